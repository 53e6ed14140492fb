"""A chapter's exercises and its claims. CONTRIBUTING.md shows the cells of an exercise, with their tags."""

import ast
import re
from collections.abc import Iterator

from chapter import KINDS, Chapter, Exercise, checks_module, shown, tags

from linting import rule
from linting.text import parsed

HOW = "the gear at the right in JupyterLab; CONTRIBUTING.md shows an exercise's cells"
LEVEL = "*Difficulty 2/5 · about 10 minutes · implement*"


@rule
def has_exercises_of_three_kinds(chapter: Chapter) -> Iterator[str]:
    exercises = chapter.exercises
    numbers = [exercise.number for exercise in exercises]
    expected = [f"{int(chapter.path.name[:2])}.{i}" for i in range(1, len(numbers) + 1)]
    if len(numbers) < 3:
        yield f"has {len(numbers)} exercises; at least three are wanted (### Exercise {expected[0] if expected else 'N.1'}: ...)"
    if numbers != expected:
        yield f"numbers its exercises {numbers}; expected {expected}"
    for exercise in exercises:
        if exercise.kind not in KINDS or exercise.difficulty not in range(1, 6):
            yield f"needs a line such as {LEVEL} under exercise {exercise.number} (kinds: {', '.join(KINDS)})"
    kinds = {exercise.kind for exercise in exercises}
    for wanted in ({"implement"}, {"predict", "explain"}, {"find the bug", "explore"}):
        if not wanted & kinds:
            yield f"has no exercise of the kind {' or '.join(sorted(wanted))}; add one"


@rule
def checks_each_exercise(chapter: Chapter) -> Iterator[str]:
    for exercise in chapter.exercises:
        if exercise.answer and not exercise.stubs and not exercise.check:
            continue  # answered in words, folded into <details>
        yield from _missing(exercise)
        if exercise.check:
            said = shown(exercise.check)
            if f"Exercise {exercise.number}" not in said:
                yield f"shows {said[:60]!r} as the check of exercise {exercise.number}; its cell must call the check"
            if f"Exercise {exercise.number}: passed" in said:
                yield f"passes exercise {exercise.number} before the reader has done anything; empty its stub"
        if exercise.solution and f"Exercise {exercise.number}: passed" not in shown(exercise.solution):
            yield (
                f"has a solution of exercise {exercise.number} that does not pass: end it with a call of the check; "
                f"now it shows {shown(exercise.solution)[:80]!r}"
            )


def _missing(exercise: Exercise) -> Iterator[str]:
    cells = {"exercise": exercise.stubs, "check": exercise.check, "solution": exercise.solution}
    for tag, found in cells.items():
        if not found and not (tag == "solution" and exercise.answer):
            yield (
                f"has no cell for exercise {exercise.number} with the tag {tag} and the metadata "
                f'"exercise": "{exercise.number}" ({HOW})'
            )


@rule
def folds_each_solution(chapter: Chapter) -> Iterator[str]:
    for cell in (cell for cell in chapter.cells if "solution" in tags(cell)):
        number = cell.metadata.get("exercise")
        if number is None:
            yield f'has a solution, {cell.id}, of no exercise; add "exercise": "N.N" to its metadata ({HOW})'
        if cell.cell_type == "markdown":
            if "<details>" not in cell.source:
                yield f"shows the answer of {cell.id} to everybody; put it into <details><summary>Answer</summary>"
            continue
        where = f"the solution of exercise {number}"
        if "hide-cell" not in tags(cell) or "hide-input" in tags(cell):
            yield f"needs the tag hide-cell, not hide-input, on {where}: it folds code and outputs in the book"
        hidden = cell.metadata.get("jupyter", {})
        if not (hidden.get("source_hidden") is True and hidden.get("outputs_hidden") is True):
            yield (
                f'needs "jupyter": {{"source_hidden": true, "outputs_hidden": true}} in the metadata of {where}: '
                "it folds them in JupyterLab"
            )
        if cell.metadata.get("cellView") != "form":
            yield f'needs "cellView": "form" in the metadata of {where}: it folds the code in Colab'
        if not cell.source.startswith(f"# @title Solution to exercise {number}"):
            yield f"must start {where} with `# @title Solution to exercise {number}`"


@rule
def imports_its_own_checks(chapter: Chapter) -> Iterator[str]:
    module = f"tms_utils.checks.{checks_module(int(chapter.path.name[:2]))}"
    if not any(f"from {module} import" in cell.source for cell in chapter.code):
        yield f"needs `from {module} import ...` in its set-up cell: its exercises' checks live in that file"


@rule
def ends_with_a_table_of_claims(chapter: Chapter) -> Iterator[str]:
    calls = [
        ast.unparse(node.func)
        for cell in chapter.code
        for node in ast.walk(parsed(cell))
        if isinstance(node, ast.Call)
    ]
    if "Claims" not in calls:
        yield "needs `claims = Claims()` in its set-up cell (from tms_utils.tables import Claims)"
    if "claims.add" not in calls:
        yield "needs claims.add(...) where it measures a claim: its verdicts must be computed by code"
    last = [cell for cell in chapter.code if re.search(r"(?m)^claims\s*\Z", cell.source)]
    if not last or not shown(last[-1]).startswith("Claim:"):
        yield "needs a cell under ## What we checked that ends with `claims`, and shows the table"
