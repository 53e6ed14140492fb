"""Planning: which cells of a handed-in notebook to run, where to check its exercises, and what is the student's own."""

import ast

from chapter import EXERCISE, SECTION, Chapter, Exercise, tags
from student import PROMPT

AFTER = "What we checked"  # the section that follows the exercises


def defined(source: str) -> set[str]:
    """The names that a cell gives a value at its top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):  # unfinished, or IPython's own syntax
        return set()
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return names | {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


def wanted_names(exercise: Exercise) -> set[str]:
    """What the cells to fill in define."""
    return set().union(*(defined(stub.source) for stub in exercise.stubs))


def called(exercise: Exercise) -> str:
    """The name of the check that the exercise's check cell calls; nothing if the cell is not such a call."""
    try:
        return ast.parse(exercise.check.source.strip(), mode="eval").body.func.id
    except (SyntaxError, AttributeError):
        return ""


def starts(handed_in: Chapter, wanted: list[Exercise]) -> dict[str, int]:
    """Where each exercise begins: at its heading, or at its stub, or where the stub's names are defined."""
    found: dict[str, int] = {}
    for position, cell in enumerate(handed_in.cells):
        if cell.cell_type == "markdown":
            numbers = [number for number, _ in EXERCISE.findall(cell.source)]
        else:
            said = cell.metadata.get("exercise") if "exercise" in tags(cell) else None
            numbers = [exercise.number for exercise in wanted if exercise.number == said]
        for number in numbers:
            found.setdefault(number, position)
    for exercise in wanted:
        names = wanted_names(exercise)
        if exercise.number in found or not names:
            continue
        for position, cell in enumerate(handed_in.cells):
            if cell.cell_type == "code" and names <= defined(cell.source):
                found[exercise.number] = position
                break
    return {exercise.number: found[exercise.number] for exercise in wanted if exercise.number in found}


def regions(handed_in: Chapter, wanted: list[Exercise]) -> dict[str, range]:
    """The cells of each exercise: from its start to the next exercise, or to the end of the exercises."""
    start = starts(handed_in, wanted)
    after = [
        position
        for position, cell in enumerate(handed_in.cells)
        if cell.cell_type == "markdown" and any(s.startswith(AFTER) for s in SECTION.findall(cell.source))
    ]
    end = len(handed_in.cells)
    stops = sorted([*start.values(), *after, end])
    return {
        exercise.number: range(start[exercise.number], next(s for s in stops if s > start[exercise.number]))
        if exercise.number in start
        else range(end, end)
        for exercise in wanted
    }


def plan(handed_in: Chapter, wanted: list[Exercise], where: dict[str, range]) -> list[int | Exercise]:
    """What to do, in order: run a cell (its position), or check an exercise, at the end of its cells."""
    steps: list[int | Exercise] = []
    for position in range(len(handed_in.cells) + 1):
        steps += [e for e in wanted if e.check is not None and where[e.number].stop == position]
        if position < len(handed_in.cells):
            cell = handed_in.cells[position]
            if cell.cell_type == "code" and not {"check", "solution"} & tags(cell):
                steps.append(position)
    return steps


def written(handed_in: Chapter, region: range, ours: Chapter) -> str:
    """The lines in an exercise's cells that do not stand in the course's chapter."""
    given = {line.strip() for cell in ours.cells for line in cell.source.splitlines()} | {PROMPT}
    lines = [line for position in region for line in handed_in.cells[position].source.splitlines()]
    return "\n".join(line for line in lines if line.strip() not in given)


def untouched(exercise: Exercise, handed_in: Chapter, region: range, new: str) -> bool:
    """Tell whether the cells to fill in are as they came, and nothing (`new`) has been written beside them."""
    sources = [handed_in.cells[position].source.strip() for position in region]
    return not new and all(stub.source.strip() in sources for stub in exercise.stubs)
