"""A Sphinx extension for what no option of Jupyter Book or its theme reaches.

- Thebe, which runs code in the page with a server's help, is added to every page, twice, so that each page
  starts with a script error. The course does not use it: its scripts are left out.
- The theme brings its icons twice: as fonts, and as a script that each page waits for before it shows
  anything, a third of what a page weighs. The fonts are enough.
- The lists of chapters and of exercises, and the welcome page's figure, are made while the pages are read.
  A page that has one is read again when what would stand there has changed.
- What follows a prediction, up to its answer, is folded: "Have you written it down?"
- A shared link says what a page claims.
- A cell of a chapter can be linked by the name that it has in the notebook.
- In a chapter the first mention of a word of the glossary leads there.
- "Section 2.7" on a page that is no chapter becomes a link (in chapters `make refresh` has made it one).
- Sphinx copies style sheets and pictures only when it writes a page. Where one of them has changed, it is made to.
"""

import filecmp
import re
from functools import cache
from html import escape
from pathlib import Path

import links
import listings
import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ICONS = "_static/scripts/fontawesome.js"
HELD = '<details class="held"><summary>Have you written it down? Then look.</summary>'


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


def with_links(app: Sphinx, page: str, source: list[str]) -> None:
    """Link the sections, exercises and chapters that a page names."""
    if page.startswith("book/"):
        where = links.of_course(Path(app.srcdir))
        source[0] = links.linked(source[0], where, folder="../notebooks/")


def name_cells(app: Sphinx, page: nodes.document) -> None:
    """Give each code cell of a chapter its notebook's name for it, so that links land on it: #cell-c5-1-figure."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb":
        return
    cells = nbformat.read(source, as_version=4).cells
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for node in page.findall(nodes.container):
        if "cell_index" in node:
            name = f"cell-{cells[node['cell_index']].id}"
            node["ids"].append(name)
            slugs[name] = (0, name, name)


def says(node: nodes.Node, word: str) -> bool:
    """Whether a paragraph begins with this word in bold. (MyST puts an empty text before it.)"""
    if not isinstance(node, nodes.paragraph):
        return False
    first = next((child for child in node.children if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext() == word


def hold_predictions(app: Sphinx, page: nodes.document) -> None:
    """Fold what stands between a prediction and the end of its answer."""
    for question in [node for node in page.findall(nodes.paragraph) if says(node, "Predict.")]:
        section = question.parent
        start = section.index(question) + 1
        answers = [i for i in range(start, len(section)) if says(section[i], "Answer.")]
        questions = [i for i in range(start, len(section)) if says(section[i], "Predict.")]
        if answers and not (questions and questions[0] < answers[0]):
            section.insert(answers[0] + 1, nodes.raw("", "</details>", format="html"))
            section.insert(start, nodes.raw("", HELD, format="html"))


def describe(app: Sphinx, page: nodes.document) -> None:
    """What a shared link says of a page: its first paragraph of some length; a chapter's is its claim."""
    texts = (" ".join(paragraph.astext().split()) for paragraph in page.findall(nodes.paragraph))
    if first := next((text for text in texts if len(text) >= 60), ""):
        app.env.metadata[app.env.docname]["og:description"] = first.removeprefix("Claim. ")


def with_description(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """The same for search engines."""
    if said := app.env.metadata.get(page, {}).get("og:description"):
        context["metatags"] = (
            f'{context.get("metatags", "")}<meta name="description" content="{escape(said)}" />'
        )


@cache
def glossary(root: Path) -> dict[str, str]:
    """Word in lower case -> the glossary's entry, for words of the singular and the plural."""
    text = (root / "book" / "notation.md").read_text(encoding="utf-8")
    terms = re.findall(r"(?m)^(\S.*)\n  ", text.partition("```{glossary}")[2])
    return {word: term for term in terms for word in (term.lower(), f"{term.lower()}s")}


def link_terms(app: Sphinx, page: nodes.document) -> None:
    """In a chapter's text, link the first mention of each word of the glossary."""
    if not app.env.docname.startswith("notebooks/"):
        return
    words = glossary(Path(app.srcdir))
    pattern = re.compile(
        rf"\b({'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})\b", re.IGNORECASE
    )
    seen: set[str] = set()
    for text in [node for node in page.findall(nodes.Text) if isinstance(node.parent, nodes.paragraph)]:
        pieces, end = [], 0
        for match in pattern.finditer(text):
            if (term := words[match[0].lower()]) not in seen:
                seen.add(term)
                link = addnodes.pending_xref(
                    match[0], nodes.inline(match[0], match[0], classes=["term"]),
                    refdomain="std", reftype="term", reftarget=term, refexplicit=True, refdoc=app.env.docname,
                )  # fmt: skip
                pieces += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


def pages_of_changed_lists(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The pages whose lists would now be others than in the last build."""
    root = Path(app.srcdir)
    pages = listings.pages(root)
    texts = {page: listings.fill((root / f"{page}.md").read_text(encoding="utf-8")) for page in pages}
    before, env.tms_lists = getattr(env, "tms_lists", {}), texts
    return [page for page in pages if page in env.found_docs and texts[page] != before.get(page)]


def page_of_the_glossary(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """The glossary's page, always: of a page that is not read again, the search forgets the entries."""
    return ["book/notation"] if "book/notation" in env.found_docs else []


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
    app.connect("html-page-context", with_description, priority=100)  # before sphinxext.opengraph
    app.connect("source-read", with_lists)
    app.connect("source-read", with_links)
    app.connect("doctree-read", name_cells)
    app.connect("doctree-read", describe)
    app.connect("doctree-read", hold_predictions)
    app.connect("doctree-read", link_terms)
    app.connect("env-get-outdated", pages_of_changed_lists)
    app.connect("env-get-outdated", page_of_the_glossary)
    app.connect("env-get-outdated", pages_of_changed_assets)
    app.connect("build-finished", without_icon_script)
    return {"version": "3", "parallel_read_safe": True, "parallel_write_safe": True}
