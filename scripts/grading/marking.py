"""Putting it together: a handed-in file is read, run as planned, and judged; what comes out is its report."""

import ast
from pathlib import Path

from chapter import EXERCISE, ROOT, Chapter

from grading.course import Course
from grading.handed_in import FOREIGN, Unreadable, read, reference
from grading.kernel import TOO_LONG, Limits
from grading.marks import Mark, Report
from grading.plan import Judge, Run, bare, plan, regions, untouched, written
from grading.taking import Found, Steps

INSTALLS, NOT_INSTALLED = FOREIGN["INSTALLS"], FOREIGN["NOT_INSTALLED"]


def grade(path: Path, course: Course | Path = ROOT, limits: Limits | None = None) -> Report:
    """Mark one file; a file that cannot be marked gets a report that says why, and whose fault it is."""
    try:
        course = course if isinstance(course, Course) else Course(course)
        handed_in = read(path)
        ours = reference(course, handed_in.number)
        report = mark(handed_in, ours, course, limits or Limits())
    except Unreadable as error:
        return Report(path.name, error=str(error))
    except Exception as error:  # the other files must still be marked
        return Report(path.name, error=f"the grader failed: {type(error).__name__}: {error}", fault="grader")
    report.file, report.chapter = path.name, ours.number
    return report


def mark(handed_in: Chapter, ours: Chapter, course: Course, limits: Limits) -> Report:
    """Run a hand-in of the course's own chapter `ours`, and judge its exercises."""
    where, theirs = regions(handed_in, ours.exercises), regions(ours, ours.exercises)
    steps = plan(handed_in, ours, where)
    found = Found(limits.total)
    Steps(steps, course, ours.number, limits, question).take(found)
    report = Report("")
    for exercise in ours.exercises:
        region = where[exercise.number]
        points = exercise.difficulty or 1
        if exercise.check is None:
            found_mark = in_words(exercise.number, written(handed_in, region, ours, theirs[exercise.number]))
        else:
            verdict = decide(found.verdicts.get(exercise.number, []))
            late = f"The notebook {TOO_LONG} {limits.total:g} seconds, and this was not reached."
            judged = Mark(exercise.number, *verdict) if verdict else Mark(exercise.number, "failed", late)
            blame = [found.trouble[position] for position in region if position in found.trouble]
            new = written(handed_in, region, ours, theirs[exercise.number], code_only=True)
            is_misnamed = judged.status == "not attempted" and judged.message.startswith("The name ")
            if new and is_misnamed:
                judged.status = "failed"
            found_mark = settle(judged, blame, untouched(exercise, handed_in, region, new))
        if not region and found_mark.status == "not attempted":
            found_mark.message = "This exercise is not in the notebook."
        found_mark.points, found_mark.title = points, exercise.title
        report.marks.append(found_mark)
    known = {bare(cell.source) for cell in ours.cells}
    new_cells = [step for step in steps if isinstance(step, Run) and bare(step.source) not in known]
    report.notes = notes(new_cells, found)
    if others := other_titles(handed_in, ours):
        report.notes.insert(
            0, f"{others}: was it handed out from another version? Mark it by that one: COURSE=its folder"
        )
    if changed := course.changed():
        report.notes.append(f"while this was marked: {changed}")
    return report


def other_titles(handed_in: Chapter, ours: Chapter) -> str:
    """Which exercises have another title than in the course, as words; nothing if none has."""
    titles = {number: title.strip() for number, title in EXERCISE.findall(handed_in.markdown)}
    others = [one.number for one in ours.exercises if titles.get(one.number, one.title) != one.title]
    return f"in the course {', '.join(others)} has another title" if others else ""


def question(step: Judge) -> dict:
    """What the judge has to know of an exercise."""
    solution = step.exercise.solution.source if step.exercise.solution is not None else ""
    return {
        "check": step.check,
        "source": step.exercise.check.source,
        "is_to_write": step.exercise.kind == "implement",
        "allowed": sorted(names_in(solution)),
    }


def names_in(source: str) -> set[str]:
    """All the names that a solution uses: what it may call, everybody may."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return set()
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def decide(verdicts: list[tuple[Judge, str, str]]) -> tuple[str, str] | None:
    """The status and message that count: what the notebook's own last check says, unless something better stands below."""
    own = [(status, message) for step, status, message in verdicts if step.is_own_check]
    other = [(status, message) for step, status, message in verdicts if not step.is_own_check]
    if not own or not other:
        return (own or other or [None])[-1]
    if other[-1][0] == "passed" or own[-1][0] == "not attempted":
        return other[-1] if own[-1][0] != "passed" else own[-1]
    return own[-1]


def notes(new: list[Run], found: Found) -> list[str]:
    """What is worth knowing about cells, in their order; `new` are those that are not the course's."""
    lines = {position: f"cell {position + 1} {problem}" for position, problem in found.trouble.items()}
    for position in found.restarts:
        lines.setdefault(position, f"cell {position + 1} asked for a new kernel, which was left out")
    for step in new:
        if INSTALLS.search(step.source):
            lines.setdefault(step.position, f"cell {step.position + 1} {NOT_INSTALLED}")
    return [line for _, line in sorted(lines.items())]


def settle(judged: Mark, blame: list[str], is_untouched: bool) -> Mark:
    """The mark for an exercise, once more is known than its check could see: its cells, and what went wrong there."""
    if judged.status == "faulty check":
        return judged
    endless = [problem for problem in blame if problem.startswith(TOO_LONG)]
    if judged.status == "passed" and not endless:
        return judged
    if is_untouched:
        return Mark(judged.exercise, "not attempted", "Nothing is changed yet.")
    if endless and judged.status == "passed":
        said = f"A cell of this exercise {endless[0]}; what it defines before that is right."
        return Mark(judged.exercise, "failed", said)
    if blame:
        said = f"A cell of this exercise {blame[0].rstrip('.')}. {judged.message}".strip()
        return Mark(judged.exercise, "failed", said)
    return judged


def in_words(number: str, answer: str) -> Mark:
    """The mark of an exercise without a check: the answer itself, for the instructor to read."""
    if answer.strip():
        return Mark(number, "to read", answer[:5000], checked=False)
    return Mark(number, "not attempted", "Nothing is written under its heading.", checked=False)
