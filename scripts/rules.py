"""Hold the chapters against the rules that all of them keep: ``make check`` runs this, and so does each commit.

    python scripts/rules.py                                   the whole course
    python scripts/rules.py notebooks/01_linear_model.ipynb   only this chapter

The rules stand in scripts/linting; each message says what to do.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import chapter
import nbformat
from linting import RULES, exercises, opening, outputs, text  # noqa: F401  (importing them registers their rules)


def faults(path: Path) -> list[str]:
    """What is wrong with the chapter at ``path``, in the order of the rules."""
    if not chapter.NAME.fullmatch(path.name):
        return [
            "is no chapter's name; call it NN_slug.ipynb: two digits, then lower-case letters, digits and _"
        ]
    try:
        version = json.loads(path.read_text(encoding="utf-8"))["nbformat"]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = chapter.read(path)
    except (OSError, ValueError, LookupError, TypeError, nbformat.ValidationError) as error:
        return [f"cannot be read as a notebook: {error}"]
    if version != 4:
        return [f"has format {version}; open it in JupyterLab and save it"]
    odd = [f"{str(w.message).splitlines()[0]}; open it in JupyterLab and save it" for w in caught]
    return odd + [message for rule in RULES.values() for message in rule(found)]


def course_faults(root: Path = chapter.ROOT) -> Iterator[str]:
    """What is wrong with the set of the chapters."""
    paths = chapter.paths(root)
    numbers = [int(path.name[:2]) for path in paths]
    chapters = [number for number in numbers if number < chapter.FIRST_LAB]
    labs = numbers[len(chapters) :]
    if chapters != list(range(len(chapters))):
        yield f"notebooks/ holds the chapters {chapters}; expected each number from 0 once (rename a file)"
    if labs != list(range(chapter.FIRST_LAB, chapter.FIRST_LAB + len(labs))):
        yield f"notebooks/ holds the labs {labs}; expected each number from {chapter.FIRST_LAB} once (rename a file)"
    for path in sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if path not in paths:
            yield f"notebooks/{path.name} {faults(path)[0]}"
    for number in numbers:
        checks = f"tms_utils/checks/{chapter.checks_module(number)}.py"
        if not (root / checks).exists():
            yield f"{checks} is missing: it holds the checks of chapter {number}'s exercises"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", type=Path, help="default: the whole course")
    options = parser.parse_args(arguments)
    found = [] if options.chapters else list(course_faults())
    for path in options.chapters or chapter.paths():
        found += [f"notebooks/{path.name} {message}" for message in faults(path)]
    for message in found:
        print(message, file=sys.stderr)
    if not found:
        print("The chapters keep the rules.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
