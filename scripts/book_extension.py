"""A Sphinx extension for what no option of Jupyter Book reaches.

Jupyter Book adds Thebe, which runs code in the page with a server's help, to every page, twice, so that
each page starts with a script error. The course does not use it: its scripts are left out.
"""

from sphinx.application import Sphinx


def without_thebe(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Drop Thebe's scripts from the page that is about to be written."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script.filename} {script.attributes.get('body', '')}".lower()
    ]


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", without_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
