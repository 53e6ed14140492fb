"""Write the instructors' list of exercises from the chapters themselves.

python scripts/exercises.py          write it
python scripts/exercises.py --check  only say whether it is up to date
"""

import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "instructors.md"
START = "<!-- exercises: written by scripts/exercises.py -->\n"
END = "<!-- end of exercises -->\n"
HEADING = re.compile(
    r"^### Exercise (\d+\.\d+): (.+)\n+\*Difficulty (\d)/5 · about (\d+) minutes? · (.+)\*$", re.MULTILINE
)


def lesson(notebook: nbformat.NotebookNode, number: str) -> str:
    """What the check says to a right answer, as stored with the solution."""
    passed = f"Exercise {number}: passed."
    for cell in notebook.cells:
        if cell.metadata.get("exercise") == number and "solution" in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                text = output.get("data", {}).get("text/plain", "")
                if text.startswith(passed):
                    return " ".join(text.removeprefix(passed).split())
    return "(an answer in words; the chapter folds one away to compare with)"


def table(path: Path) -> str:
    """The exercises of one chapter, a row each."""
    notebook = nbformat.read(path, as_version=4)
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ").strip()
    rows = [
        f"**[{title}](../notebooks/{path.name})**\n",
        "| No. | Exercise | Kind | Difficulty | Minutes | What it leaves behind |",
        "|---|---|---|---|---|---|",
    ]
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for number, name, difficulty, minutes, kind in HEADING.findall(text):
        said = re.sub(r"([|$<*])", r"\\\1", lesson(notebook, number))
        rows.append(f"| {number} | {name} | {kind} | {difficulty} of 5 | {minutes} | {said} |")
    return "\n".join(rows) + "\n"


def with_tables(page: str, tables: list[str]) -> str:
    """Replace what stands between the two markers."""
    before, rest = page.split(START)
    _, after = rest.split(END)
    return "\n".join([before + START, *tables, END]) + after


def main(arguments: list[str]) -> int:
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_tables(page, [table(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))])
    if "--check" in arguments:
        if wanted != page:
            print("book/instructors.md is out of date; type: python scripts/exercises.py", file=sys.stderr)
        return int(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
