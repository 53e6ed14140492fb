"""Write the welcome page's table of chapters from the chapters' own metadata.

python scripts/chapters.py          write it
python scripts/chapters.py --check  only say whether it is up to date
"""

import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "index.md"
START = "<!-- chapters: written by scripts/chapters.py -->\n"
END = "<!-- end of chapters -->\n"


def title(notebook: nbformat.NotebookNode) -> str:
    """The text of the chapter's first heading, number included: `1. The linear model`."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ").strip()


def table(paths: list[Path]) -> str:
    """One row a chapter: title, minutes to read, seconds to run, and what of the paper it covers."""
    rows = ["| Chapter | Read | Run | In the paper |", "|---|---|---|---|"]
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        tms = notebook.metadata.tms
        sections = ", ".join(f"*{section}*" for section in tms.paper_sections)
        rows.append(
            f"| [{title(notebook)}](../notebooks/{path.name}) | {tms.reading_minutes} min "
            f"| {tms.running_seconds} s | {sections} |"
        )
    return "\n".join(rows) + "\n"


def with_table(page: str, table: str) -> str:
    """Replace what stands between the two markers."""
    before, rest = page.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{table}\n{END}{after}"


def main(arguments: list[str]) -> int:
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_table(page, table(sorted((ROOT / "notebooks").glob("*.ipynb"))))
    if "--check" in arguments:
        if wanted != page:
            print(
                "book/index.md lists the chapters' times wrongly; type: python scripts/chapters.py",
                file=sys.stderr,
            )
        return int(wanted != page)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
