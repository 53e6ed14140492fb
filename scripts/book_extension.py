"""A Sphinx extension for what no option of Jupyter Book or its theme reaches.

- Thebe, which runs code in the page with a server's help, is added to every page, twice, so that each page
  starts with a script error. The course does not use it: its scripts are left out.
- The theme brings its icons twice: as fonts, and as a script that each page waits for before it shows
  anything, a third of what a page weighs. The fonts are enough, and of them the icons that are used (lighter.py).
- Pictures have sizes, come when they are wanted, and lead to themselves in full size; a page without real
  formulas loads no MathJax (lighter.py).
- Where the browser keeps nothing for the site, the theme's scripts stop, and the search with them: they are
  given something that forgets.
- Where git has no history to tell (a source zip, no git program, somebody else's folder), pages have no dates.
- The lists of chapters and of exercises, and the welcome page's figure, are made while the pages are read.
  A page that has one is read again when what would stand there has changed.
- The mark after a formula stays on its line.
- What follows a prediction, up to its answer, is folded: "Have you written it down?"
- Exercises with choices, or with a number, are answered in the page, too (answers.py).
- A link such as #playground?S=0.95 moves a live figure.
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

import answers
import lighter
import links
import listings
import nbformat
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

ICONS = "_static/scripts/fontawesome.js"
FORGETS = """<script>
  for (const name of ["localStorage", "sessionStorage"]) {
    try { window[name].getItem(""); } catch {
      const kept = new Map();
      Object.defineProperty(window, name, { value: {
        getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, `${value}`),
        removeItem: (key) => kept.delete(key), clear: () => kept.clear(),
      } });
    }
  }
</script>"""
NO_DATES = ("git.command_not_found", "git.subprocess_error")  # no reason to stop a build
NO_SOLUTION = re.compile(r'(Show the code</p>\s*<p class="expanded admonition-title">)Hide the solution')
MOVES = re.compile(r"[a-z]+(-[a-z0-9]+)*\?\w+=[^#\s]*")  # playground?S=0.95
HELD = '<details class="held"><summary>Have you written it down? Then look.</summary>'


def without_thebe(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Drop Thebe's scripts from the page that is about to be written."""
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script.filename} {script.attributes.get('body', '')}".lower()
    ]


def without_icon_script(app: Sphinx, error: Exception | None) -> None:
    """Drop the icons' script from every page of the finished site, the script itself, and icons that no page has."""
    site = Path(app.outdir)
    if error or not (site / ICONS).exists():
        return
    names = set()
    for page in site.rglob("*.html"):
        lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not (line.lstrip().startswith("<script") and ICONS in line)]
        if len(kept) < len(lines):
            page.write_text("".join(kept), encoding="utf-8")
        names |= lighter.icons(kept)
    lighter.fewer_icons(site, names)
    (site / ICONS).unlink()


def with_pictures(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Give the pictures of the page that is about to be written a size, and a link to themselves."""
    if body := context.get("body"):
        files = {name: Path(app.srcdir) / source for source, name in app.builder.images.items()}
        context["body"] = lighter.with_sizes(body, files)


def with_names_of_folds(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """A fold is called what it shows, not "Toggle hidden content"; and code that is no solution is not called one."""
    if body := context.get("body"):
        body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
        context["body"] = NO_SOLUTION.sub(r"\1Hide the code", body)


def with_storage(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Before every other script of the page."""
    context["metatags"] = context.get("metatags", "") + FORGETS


def set_plain_formulas(app: Sphinx, page: nodes.document) -> None:
    """Set the plain formulas of a page that has no others."""
    app.env.metadata[app.env.docname]["formulas"] = not lighter.plain_formulas(page)


def without_mathjax(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Drop MathJax from a page that has nothing for it."""
    if not app.env.metadata.get(page, {}).get("formulas", False):
        context["script_files"] = [
            script
            for script in context["script_files"]
            if "mathjax" not in f"{script.filename} {script.attributes.get('body', '')}".lower()
        ]


def without_git(app: Sphinx, config: object) -> None:
    """Build where git cannot answer, too."""
    config.suppress_warnings = [*config.suppress_warnings, *NO_DATES]


def without_dates(app: Sphinx, env: BuildEnvironment) -> None:
    """What git did not say is asked again in the next build; where it says nothing at all, say that."""
    told = getattr(env, "git_last_updated", {})
    for page, answer in told.items():
        if answer is not None and answer[0] is None:
            told[page] = None
    if told and not any(told.values()):
        logging.getLogger(__name__).info("git tells no history here: the pages will have no dates.")


def with_source(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """A page without a date keeps its link to the source."""
    told = getattr(app.env, "git_last_updated", {})
    if page in told and told[page] is None:
        told[page] = None, True


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


def keep_marks_with_formulas(app: Sphinx, page: nodes.document) -> None:
    """A formula in a line and the mark after it, such as a full stop: a browser would break the line between them."""
    for formula in list(page.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and (marks := re.match(r"[.,;:!?)\]”’\"']+", after.astext())):
            where = formula.parent
            at = where.index(formula)
            together = nodes.inline("", "", formula.deepcopy(), nodes.Text(marks[0]), classes=["together"])
            where[at : at + 2] = [together, nodes.Text(after.astext()[marks.end() :])]


def hold_predictions(app: Sphinx, page: nodes.document) -> None:
    """Fold what stands between a prediction and the end of its answer: a paragraph, and lists or formulas after it."""
    goes_on = (nodes.bullet_list, nodes.enumerated_list, nodes.math_block)
    for question in [node for node in page.findall(nodes.paragraph) if says(node, "Predict.")]:
        section = question.parent
        start = section.index(question) + 1
        answers = [i for i in range(start, len(section)) if says(section[i], "Answer.")]
        questions = [i for i in range(start, len(section)) if says(section[i], "Predict.")]
        if answers and not (questions and questions[0] < answers[0]):
            end = next(
                (i for i in range(answers[0] + 1, len(section)) if not isinstance(section[i], goes_on)),
                len(section),
            )
            section.insert(end, nodes.raw("", "</details>", format="html"))
            section.insert(start, nodes.raw("", HELD, format="html"))


def keep_links_to_figures(app: Sphinx, page: nodes.document) -> None:
    """A link that moves a live figure leads to no heading: it stays. ("disabled": the theme's contents skip it.)"""
    for link in list(page.findall(addnodes.pending_xref)):
        target = link.get("reftargetid") or link["reftarget"]
        if link["reftype"] == "myst" and MOVES.fullmatch(target):
            link.replace_self(
                nodes.reference(
                    "", "", *link.children, refuri=f"#{target}", internal=True, classes=["disabled"]
                )
            )


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
    app.connect("config-inited", without_git)
    app.connect("env-updated", without_dates, priority=900)
    app.connect("html-page-context", with_source, priority=100)  # before sphinx_last_updated_by_git
    app.connect("html-page-context", with_storage, priority=100)
    app.connect("html-page-context", with_pictures)
    app.connect("html-page-context", with_names_of_folds)
    app.connect("html-page-context", without_thebe, priority=900)
    app.connect("html-page-context", without_mathjax, priority=900)
    app.connect("html-page-context", with_description, priority=100)  # before sphinxext.opengraph
    app.connect("source-read", with_lists)
    app.connect("source-read", with_links)
    app.connect("doctree-read", set_plain_formulas)
    app.connect("doctree-read", keep_marks_with_formulas)
    app.connect("doctree-read", name_cells)
    app.connect("doctree-read", keep_links_to_figures)
    app.connect("doctree-read", describe)
    app.connect("doctree-read", hold_predictions)
    app.connect("doctree-read", answers.add_answers)
    app.connect("doctree-read", link_terms)
    app.connect("env-get-outdated", pages_of_changed_lists)
    app.connect("env-get-outdated", page_of_the_glossary)
    app.connect("env-get-outdated", pages_of_changed_assets)
    app.connect("build-finished", without_icon_script)
    return {"version": "4", "parallel_read_safe": True, "parallel_write_safe": True}
