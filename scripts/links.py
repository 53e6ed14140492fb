"""Make links of the words "section 2.7", "exercise 3.1" and "chapter 5", and keep them pointing where they should.

`make refresh` does so in the chapters, where the links are stored: JupyterLab and the book find a heading by the
name that JupyterLab gives it. (Colab finds no headings, but opens chapters.) In the book's other pages links are made
when the book is built.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import chapter
import nbformat
from chapter import ROOT, Chapter, heading_id

NUMBER = r"\d+(?:\.\d+)?"
KIND = r"[Cc]hapters?|[Ss]ections?|[Ee]xercises?"
LIST = re.compile(
    rf"\b({KIND})([ \u00a0])({NUMBER}(?:(?:, (?:and |or )?| and | or | to ){NUMBER})*)(?![\d%]|\.\d)"
)
OURS = re.compile(rf"\[((?:(?:{KIND})[ \u00a0])?{NUMBER})\]\([^)\s]*(?:\.ipynb|\.md|#)[^)\s]*\)")
LEFT_ALONE = re.compile(
    r"(?ms)^#{1,6} .*?$|^```.*?^```|<summary>.*?</summary>|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|!?\[[^\]]*\]\([^)]*\)"
)


def targets(found: Iterable[Chapter]) -> dict[tuple[str, str], tuple[str, str]]:
    """(kind, number) -> (file name, fragment) of every chapter, section and exercise."""
    where = {}
    for one in found:
        where["chapter", str(one.number)] = (one.path.name, "")
        for title in one.sections:
            where["section", title.split(" ")[0]] = (one.path.name, "#" + heading_id(title))
        for task in one.exercises:
            title = f"Exercise {task.number}: {task.title}"
            where["exercise", task.number] = (one.path.name, "#" + heading_id(title))
    return where


def linked(text: str, where: dict[tuple[str, str], tuple[str, str]], here: str = "", folder: str = "") -> str:
    """The text with its mentions linked; those of the file ``here`` by their fragment alone.

    A number that leads nowhere, and a chapter's own, stay plain.
    """
    text = OURS.sub(r"\1", text)

    def link(kind: str, number: str, shown: str) -> str:
        file, fragment = where.get((kind, number), ("", ""))
        if not file or (file == here and not fragment):
            return shown
        return f"[{shown}]({fragment if file == here else folder + file + fragment})"

    def mentions(match: re.Match) -> str:
        word, space, numbers = match.groups()
        kind = word.lower().removesuffix("s")
        first, *rest = re.split(rf"({NUMBER})", numbers)[1:]
        rest = [link(kind, piece, piece) if i % 2 else piece for i, piece in enumerate(rest)]
        return link(kind, first, f"{word}{space}{first}") + "".join(rest)

    pieces, end = [], 0
    for kept in LEFT_ALONE.finditer(text):
        pieces += [LIST.sub(mentions, text[end : kept.start()]), kept[0]]
        end = kept.end()
    return "".join([*pieces, LIST.sub(mentions, text[end:])])


@cache
def _of_course(root: Path, state: tuple) -> dict[tuple[str, str], tuple[str, str]]:
    return targets(chapter.all_chapters(root))


def of_course(root: Path = ROOT) -> dict[tuple[str, str], tuple[str, str]]:
    """The targets of the course as it is now; read again when a chapter has changed."""
    paths = chapter.paths(root)
    return _of_course(root, tuple((path, path.stat().st_mtime_ns) for path in paths))


def dangling(text: str, where: dict[tuple[str, str], tuple[str, str]]) -> Iterator[str]:
    """Mentions of what does not exist: `section 2.9`."""
    for word, _, numbers in LIST.findall(LEFT_ALONE.sub("", OURS.sub(r"\1", text))):
        kind = word.lower().removesuffix("s")
        yield from (f"{kind} {n}" for n in re.findall(NUMBER, numbers) if (kind, n) not in where)


def refresh(notebook: nbformat.NotebookNode, name: str, root: Path = ROOT) -> None:
    """Link the mentions in a chapter's text, in place."""
    where = of_course(root) | targets([Chapter(notebook, Path(name))])
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source, where, here=name)
