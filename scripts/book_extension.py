"""A Sphinx extension for what no option of Jupyter Book or its theme reaches.

- Thebe, which runs code in the page with a server's help, is added to every page, twice, so that each page
  starts with a script error. The course does not use it: its scripts are left out.
- The theme brings its icons twice: as fonts, and as a script that each page waits for before it shows
  anything, a third of what a page weighs. The fonts are enough.
- The lists of chapters and of exercises, and the welcome page's figure, are made while the pages are read.
  A page that has one is read again when what would stand there has changed.
- Sphinx copies style sheets and pictures only when it writes a page. Where one of them has changed, it is made to.
"""

import filecmp
from pathlib import Path

import listings
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ICONS = "_static/scripts/fontawesome.js"


def without_thebe(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Drop Thebe's scripts from the page that is about to be written."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script.filename} {script.attributes.get('body', '')}".lower()
    ]


def without_icon_script(app: Sphinx, error: Exception | None) -> None:
    """Drop the icons' script from every page of the finished site, and the script itself."""
    site = Path(app.outdir)
    if error or not (site / ICONS).exists():
        return
    for page in site.rglob("*.html"):
        lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not (line.lstrip().startswith("<script") and ICONS in line)]
        if len(kept) < len(lines):
            page.write_text("".join(kept), encoding="utf-8")
    (site / ICONS).unlink()


def with_lists(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the lists that the page asks for into the text that is about to be parsed."""
    if page in listings.pages(Path(app.srcdir)):
        source[0] = listings.fill(source[0])


def pages_of_changed_lists(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The pages whose lists would now be others than in the last build."""
    root = Path(app.srcdir)
    pages = listings.pages(root)
    texts = {page: listings.fill((root / f"{page}.md").read_text(encoding="utf-8")) for page in pages}
    before, env.tms_lists = getattr(env, "tms_lists", {}), texts
    return [page for page in pages if page in env.found_docs and texts[page] != before.get(page)]


def pages_of_changed_assets(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The first page, if a file of `html_static_path` is not in the site as it is now; else none."""
    for folder in (Path(app.srcdir) / name for name in app.config.html_static_path):
        for file in (path for path in folder.rglob("*") if path.is_file()):
            copy = Path(app.outdir) / "_static" / file.relative_to(folder)
            if not copy.exists() or not filecmp.cmp(file, copy, shallow=False):
                return [app.config.root_doc]
    return []


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("source-read", with_lists)
    app.connect("env-get-outdated", pages_of_changed_lists)
    app.connect("env-get-outdated", pages_of_changed_assets)
    app.connect("build-finished", without_icon_script)
    return {"version": "3", "parallel_read_safe": True, "parallel_write_safe": True}
