"""The course's real chapters can be marked: all of them on paper, the quickest one in a kernel."""

import ast
import importlib
from pathlib import Path

import nbformat
import pytest
import student
from chapter import Chapter, paths, read
from checking import quickest_chapter
from grading.marking import grade
from grading.plan import Judge, called, plan, regions, wanted_names
from grading.report import as_text
from nbformat import NotebookNode


def with_solutions_pasted_in(path: Path) -> NotebookNode:
    """The student's version of a chapter, with each stub replaced by the solution, under the stub's names."""
    ours = read(path)
    filled = student.without_answers(ours.notebook)
    stubs = {exercise.number: exercise.stubs[0] for exercise in Chapter(filled).exercises if exercise.check}
    for exercise in ours.exercises:
        if exercise.check is None:
            continue
        *_, call = ast.parse(exercise.solution.source).body
        wanted = [ast.unparse(argument) for argument in ast.parse(exercise.check.source).body[-1].value.args]
        given = [ast.unparse(argument) for argument in call.value.args]
        body = exercise.solution.source.splitlines()[: call.lineno - 1]
        named = [f"{a} = {b}" for a, b in zip(wanted, given, strict=True)]
        stubs[exercise.number].source = "\n".join(body + named)
    return filled


def test_a_real_chapter_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "filled in.ipynb"
    nbformat.write(with_solutions_pasted_in(quickest_chapter()), path)
    report = grade(path)
    assert not report.error
    assert report.notes == []
    assert {found.status for found in report.marks if found.checked} == {"passed"}, as_text(report)
    assert report.count()[0] >= 3


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_every_chapter_can_be_marked(path: Path) -> None:
    """Each exercise is found, with the check and the names that the grader needs; nothing is run."""
    ours = read(path)
    wanted = ours.exercises
    where = regions(ours, wanted)
    judged = {step.number for step in plan(ours, ours, where) if isinstance(step, Judge)}
    checks = importlib.import_module(f"tms_utils.checks.chapter_{ours.number:02d}")
    assert len(wanted) >= 3
    for exercise in wanted:
        assert len(where[exercise.number]) > 0, f"exercise {exercise.number} was not found"
        if exercise.check is None:
            continue
        name = called(exercise)
        assert callable(getattr(checks, name, None)), f"{checks.__name__} has no check {name!r}"
        read_names = {n.id for n in ast.walk(ast.parse(exercise.check.source)) if isinstance(n, ast.Name)}
        asked = read_names - {name}
        assert asked <= wanted_names(exercise), f"the stub of {exercise.number} must define {asked}"
        assert exercise.number in judged
