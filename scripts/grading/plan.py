"""Planning: which cells of a handed-in notebook to run, where to judge its exercises, and what is the student's own."""

import ast
import re
from dataclasses import dataclass

from chapter import EXERCISE, SECTION, Chapter, Exercise, tags
from student import PROMPT

AFTER = "What we checked"  # the section that follows the exercises
MAGIC = re.compile(r"^(\s*)(?:%%?|!|\?).*$", re.MULTILINE)  # IPython's own syntax


@dataclass(frozen=True)
class Run:
    """Run a cell: the code in it that is no call of a check."""

    position: int
    source: str


@dataclass(frozen=True)
class Judge:
    """Judge an exercise: of what these arguments give, as the notebook says, or as the course says."""

    exercise: Exercise
    arguments: str
    check: str
    is_own_check: bool  # the notebook calls the check here

    @property
    def number(self) -> str:
        return self.exercise.number


Step = Run | Judge


def parsed(source: str) -> ast.Module | None:
    """A cell as Python, its magics left out; None if it is unfinished."""
    for text in (source, MAGIC.sub(r"\1pass", source)):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def bare(source: str) -> str:
    """A cell without comments, and in one layout: what a formatter or another system's line ends do not change."""
    found = parsed(source)
    if found is None:
        return "\n".join(line.rstrip() for line in source.splitlines()).strip()
    return ast.unparse(found)


def defined(source: str) -> set[str]:
    """The names that a cell gives a value at its top level."""
    body = getattr(parsed(source), "body", [])
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in body if isinstance(node, ast.AnnAssign)]
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


def asked(exercise: Exercise) -> str:
    """The arguments that the exercise's check cell gives, as a tuple."""
    try:
        return as_tuple(ast.parse(exercise.check.source.strip(), mode="eval").body)
    except (SyntaxError, AttributeError):
        return "()"


def as_tuple(call: ast.Call) -> str:
    return ast.unparse(ast.Tuple(call.args, ast.Load()))


def calls(source: str, name: str) -> list[ast.Call]:
    """The calls of a check in a cell, outside of functions."""
    found, left = [], [parsed(source)]
    while left:
        node = left.pop(0)
        if node is None or isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call) and name == getattr(node.func, "id", getattr(node.func, "attr", None)):
            found.append(node)
        left += ast.iter_child_nodes(node)
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def without_calls(source: str, names: set[str]) -> str:
    """A cell without the lines that only call a check: it is not the notebook that judges."""
    found = parsed(source)
    lines = source.split("\n")
    for node in getattr(found, "body", []):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) in names:
            if (
                sum(
                    other.lineno <= node.end_lineno and other.end_lineno >= node.lineno
                    for other in found.body
                )
                > 1
            ):
                continue  # something else stands on the same line
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(lines)


def regions(handed_in: Chapter, wanted: list[Exercise]) -> dict[str, list[int]]:
    """The cells of each exercise: what stands below its heading, and its stubs and checks wherever they are."""
    headed, numbers = set(), {exercise.number for exercise in wanted}
    for cell in handed_in.cells:
        if cell.cell_type == "markdown":
            headed |= {number for number, _ in EXERCISE.findall(cell.source)} & numbers
    by_names = starts_by_names(handed_in, [exercise for exercise in wanted if exercise.number not in headed])
    found: dict[str, list[int]] = {number: [] for number in numbers}
    current = None
    for position, cell in enumerate(handed_in.cells):
        if "hand-in" in tags(cell):  # the course's own last cell
            current = None
        mine = cell.metadata.get("exercise")
        mine = mine if mine in numbers and cell.cell_type != "raw" else by_names.get(position)
        if cell.cell_type == "markdown":
            for number, _ in EXERCISE.findall(cell.source):
                current = number if number in numbers else None
            if any(section.startswith(AFTER) for section in SECTION.findall(cell.source)):
                current = None
        if mine is not None and mine not in headed:
            current = mine
        if owner := mine or current:
            found[owner].append(position)
    return found


def starts_by_names(handed_in: Chapter, wanted: list[Exercise]) -> dict[int, str]:
    """Where exercises without a heading begin: where the names of their stubs are first defined."""
    found = {}
    for exercise in wanted:
        names = wanted_names(exercise)
        for position, cell in enumerate(handed_in.cells):
            if names and cell.cell_type == "code" and names <= defined(cell.source):
                found.setdefault(position, exercise.number)
                break
    return found


def plan(handed_in: Chapter, ours: Chapter, where: dict[str, list[int]]) -> list[Step]:
    """What to do, in order: run the cells, and judge each exercise where the notebook checks it last.

    An exercise is also judged where its cells end, if something stands there that no check comes after.
    """
    tasks = [exercise for exercise in ours.exercises if exercise.check is not None]
    names = {called(exercise) for exercise in tasks} - {""}
    solutions = {bare(cell.source) for cell in ours.cells if "solution" in tags(cell)}
    runs = {
        position: cell.source
        for position, cell in enumerate(handed_in.cells)
        if cell.cell_type == "code"
        and not ("solution" in tags(cell) and bare(cell.source) in solutions)
        and "hand-in" not in tags(cell)
    }
    judged: dict[int, list[Judge]] = {}
    for exercise in tasks:
        for position, step in points(exercise, runs, where[exercise.number], len(handed_in.cells)):
            judged.setdefault(position, []).append(step)
    steps: list[Step] = []
    for position in range(len(handed_in.cells) + 1):
        if (source := without_calls(runs.get(position, ""), names)).strip():
            steps.append(Run(position, source))
        steps += judged.get(position, [])
    return steps


def points(exercise: Exercise, runs: dict[int, str], region: list[int], end: int) -> list[tuple[int, Judge]]:
    """After which cells an exercise is to be judged: after its last check, and where its own code ends."""
    name, found = called(exercise), []
    checked = [(p, call) for p, source in runs.items() if name for call in calls(source, name)]
    if checked:
        position, call = checked[-1]
        arguments = asked(exercise) if call.keywords else as_tuple(call)
        found.append((position, Judge(exercise, arguments, name, True)))
    code = [p for p in region if p in runs and without_calls(runs[p], {name}).strip()]
    last = max(code, default=end)
    if not checked or (code and last > checked[-1][0]):
        found.append((last, Judge(exercise, asked(exercise), name, False)))
    return sorted(found, key=lambda pair: pair[0])


def written(
    handed_in: Chapter, region: list[int], ours: Chapter, given: list[int], *, code_only: bool = False
) -> str:
    """What a student has written in an exercise's cells: neither whole cells of the course's chapter, nor lines that it
    gives there (in the cells `given`, without its answers)."""
    known = {bare(cell.source) for cell in ours.cells if cell.cell_type == "code"}
    known |= {cell.source.strip() for cell in ours.cells if cell.cell_type == "markdown"}
    cells = [ours.cells[position] for position in given if "solution" not in tags(ours.cells[position])]
    lines = {unlinked(line) for cell in cells for line in cell.source.splitlines()}
    found = []
    for cell in (handed_in.cells[position] for position in region):
        source = bare(cell.source) if cell.cell_type == "code" else cell.source.strip()
        if source not in known and (cell.cell_type == "code" or not code_only):
            sources = cell.source.splitlines()
            new = [line.replace(PROMPT, "").lstrip() if PROMPT in line else line for line in sources]
            found += [line for line in new if not line.strip() or unlinked(line) not in lines]
    return "\n".join(found).strip("\n").rstrip()


def unlinked(line: str) -> str:
    """A line without where its links lead: in a hand-out they lead to the published book."""
    return re.sub(r"\]\([^)]*\)", "]", line).strip()


def untouched(exercise: Exercise, handed_in: Chapter, region: list[int], new: str) -> bool:
    """Tell whether the cells to fill in are as they came, and nothing (`new`) has been written beside them."""
    sources = [bare(handed_in.cells[position].source) for position in region]
    return not new and all(bare(stub.source) in sources for stub in exercise.stubs)
