"""Mark handed-in notebooks: which exercises pass the course's own checks?

    python scripts/grade.py handed-in.ipynb
    python scripts/grade.py folder --json marks.json

Every notebook is run in a kernel of its own, in an empty folder, with limits on time and memory. Where its
exercises end, the course's checks look at what it has defined; the notebook's own checks are not used. A cell
or an answer that hangs or kills the kernel is left out, and the rest is run again without it.

This protects against accidents, not against malice: a handed-in notebook can do whatever you can do on this
machine. The page for instructors says how to run it in a container.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from chapter import ROOT
from grading.kernel import Limits
from grading.marking import grade
from grading.report import as_text, faults, plain, summary


def handed_in(path: Path) -> list[Path]:
    """The notebooks to mark: the file `path`, or those in the folder `path`, in order."""
    if path.is_dir():
        return sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts and p.is_file())
    return [path] if path.is_file() else []


def left_out(folder: Path) -> list[str]:
    """The names of handed-in files that are not marked, such as archives."""
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".ipynb" and not path.name.startswith(".")
    )


def some_path(text: str) -> Path:
    if not text.strip():  # Path("") would be the folder that this is started in
        raise argparse.ArgumentTypeError("expected a notebook or a folder, but got an empty name")
    return Path(text)


def main(arguments: list[str] | None = None) -> int:
    """Mark and print. The status is 0, or 1 if the course or the call is at fault, whatever was handed in."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=some_path, help="a handed-in notebook, or a folder of them")
    parser.add_argument("--json", type=Path, help="also write the marks into this file")
    parser.add_argument("--cell", type=float, default=Limits.cell, help="seconds allowed per cell and check")
    parser.add_argument("--total", type=float, default=Limits.total, help="seconds allowed per notebook")
    parser.add_argument("--memory", type=float, default=Limits.memory, help="gigabytes allowed (Linux only)")
    parser.add_argument("--course", type=Path, default=ROOT, help="the folder of the course to mark by")
    options = parser.parse_args(arguments)
    folder = options.path.is_dir()
    files = handed_in(options.path)
    if not files:
        print(f"{options.path}: no notebook there", file=sys.stderr)
        return 1
    limits = Limits(options.cell, options.total, options.memory)
    reports = []
    for file in files:
        report = grade(file, options.course, limits)
        report.file = str(file.relative_to(options.path)) if folder else file.name
        print(as_text(report), end="\n\n", flush=True)
        reports.append(report)
    if folder:
        print(summary(reports))
        if others := left_out(options.path):
            print("\nleft out, being no .ipynb: " + ", ".join(map(plain, others)))
    if options.json:
        options.json.write_text(json.dumps([asdict(report) for report in reports], indent=1) + "\n", "utf-8")
    if said := faults(reports):
        print(said, file=sys.stderr)
    return int(any(report.is_courses_fault() for report in reports))


if __name__ == "__main__":
    sys.exit(main())
