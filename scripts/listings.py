"""The lists of chapters and of exercises, and the welcome page's live figure: put into pages when the book is built.

A page asks for one by a line such as `<!-- list of exercises -->`; scripts/book_extension.py fills it in, and nothing
of it is committed. `python scripts/listings.py` prints the lists.
"""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import api
import audit
import chapter
from chapter import ROOT, Chapter, Exercise, shown

IN_WORDS = "(an answer in words; the chapter folds one away to compare with)"


def chapters(found: Iterable[Chapter]) -> str:
    """One row a chapter: title, minutes to read, seconds to run, and what of the paper it covers."""
    rows = ["| Chapter | Read | Run | In the paper |", "|---|---|---|---|"]
    for one in found:
        sections = ", ".join(f"*{section}*" for section in one.tms.get("paper_sections", []))
        reading, running = (one.tms.get(key, "?") for key in ("reading_minutes", "running_seconds"))
        rows.append(f"| {link(one)} | {reading}\u00a0min | {running}\u00a0s | {sections} |")
    return "\n".join(rows) + "\n"


def exercises(found: Iterable[Chapter]) -> str:
    """A table for each chapter, and in it a row for each exercise."""
    return "\n".join(map(_exercises_of, found))


def _exercises_of(one: Chapter) -> str:
    rows = [
        f"**{link(one)}**\n",
        "| No. | Exercise | Kind | Difficulty | Minutes | What it leaves behind |",
        "|---|---|---|---|---|---|",
    ]
    for exercise in one.exercises:
        said = re.sub(r"([|$<*])", r"\\\1", lesson(exercise))
        rows.append(
            f"| {exercise.number} | {exercise.title} | {exercise.kind} | {exercise.difficulty or '?'} of 5 "
            f"| {exercise.minutes or '?'} | {said} |"
        )
    return "\n".join(rows) + "\n"


def link(one: Chapter) -> str:
    return f"[{one.heading}](../notebooks/{one.path.name})"


def lesson(exercise: Exercise) -> str:
    """What the check says to a right answer, as stored with the solution."""
    passed = f"Exercise {exercise.number}: passed."
    said = shown(exercise.solution) if exercise.solution else ""
    return " ".join(said.removeprefix(passed).split()) if said.startswith(passed) else IN_WORDS


def playground() -> str:
    """The figure in which a model trains, as raw HTML for the page."""
    from tms_utils.live import playground as figure  # imports PyTorch: only where it is needed

    html = figure()._repr_html_()
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", html))]))  # longer than any inside
    return f'{fence}{{raw}} html\n<div class="first-figure">\n{html}</div>\n{fence}\n'


def of_part(caption: str) -> list[Chapter]:
    """The chapters of one part of the contents; none where it holds other pages."""
    pages = [page for page in chapter.parts()[caption] if page.startswith("notebooks/")]
    return [chapter.read(ROOT / f"{page}.ipynb") for page in pages]


LISTS: dict[str, Callable[[], str]] = {
    **{
        f"<!-- list of chapters: {caption} -->": lambda caption=caption: chapters(of_part(caption))
        for caption, pages in chapter.parts().items()
        if any(page.startswith("notebooks/") for page in pages)
    },
    "<!-- list of exercises -->": lambda: exercises(chapter.all_chapters()),
    "<!-- claims of the paper -->": lambda: audit.page(chapter.all_chapters()),
    "<!-- playground -->": playground,
    "<!-- names of the package -->": api.page,
}


def fill(page: str) -> str:
    """The page's text with each of the lines above replaced by what it stands for."""
    lines = page.split("\n")
    return "\n".join(LISTS[line]() if line in LISTS else line for line in lines)


def pages(root: Path = ROOT) -> list[str]:
    """The pages that ask for a list, as Sphinx names them."""
    asking = [
        path for path in sorted((root / "book").glob("*.md")) if _asks(path.read_text(encoding="utf-8"))
    ]
    return [path.relative_to(root).with_suffix("").as_posix() for path in asking]


def _asks(page: str) -> bool:
    return not LISTS.keys().isdisjoint(page.split("\n"))


if __name__ == "__main__":
    sys.stdout.write(f"{chapters(chapter.all_chapters())}\n{exercises(chapter.all_chapters())}")
