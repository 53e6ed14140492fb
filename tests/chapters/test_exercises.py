"""Every exercise of every chapter, from its notebook and its data: stub, check, solution, slips, and nonsense.

No notebook is executed here. A stub is run where the functions and constants above it stand, and nothing else.
"""

import ast
import dataclasses
import importlib
import inspect
import itertools
import linecache
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from types import CodeType
from typing import Any

import chapter
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from chapter import Chapter, shown
from nbformat import NotebookNode

from tms_utils.check import digest
from tms_utils.checks import Exercise, Slip, Verdict, choice, exercise, number, require
from tms_utils.checks.exercise import as_tensor

CHAPTERS = {one.path.stem: one for one in chapter.all_chapters()}
EXERCISES = [(one, task) for one in CHAPTERS.values() for task in one.exercises]
CHECKED = [(one, task) for one, task in EXERCISES if task.check is not None]

every_exercise = pytest.mark.parametrize(
    ("one", "task"), EXERCISES, ids=[task.number for _, task in EXERCISES]
)
every_checked = pytest.mark.parametrize(("one", "task"), CHECKED, ids=[task.number for _, task in CHECKED])


@cache
def checks_of(number: int) -> dict[str, Exercise]:
    """A chapter's exercises by the names of their checks."""
    name = f"tms_utils.checks.chapter_{number:02}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        pytest.fail(f"chapter {number} has exercises and no {name.replace('.', '/')}.py to check them")
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}


def call_of(cell: NotebookNode) -> ast.Call:
    """The call of a check that a check cell, or a solution, ends with."""
    last = ast.parse(cell.source).body[-1]
    assert isinstance(last, ast.Expr), f"cell {cell.id} must end with one call of a check"
    assert isinstance(last.value, ast.Call), f"cell {cell.id} must end with one call of a check"
    return last.value


def check_of(one: Chapter, task: chapter.Exercise) -> Exercise:
    """The exercise that the check cell calls."""
    name, checks = call_of(task.check).func.id, checks_of(one.number)
    assert name in checks, (
        f"exercise {task.number} calls {name}; chapter_{one.number:02}.py has {sorted(checks)}"
    )
    return checks[name]


def attempt(check: Exercise, answer: Any) -> Verdict:
    return check(*answer) if isinstance(answer, tuple) else check(answer)


def stands_alone(statement: ast.stmt) -> bool:
    """Whether it defines something without running anything: an import, a function, a class, a constant."""
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    if isinstance(statement, ast.Assign):
        with suppress(ValueError):
            ast.literal_eval(statement.value)
            return True
    return False


@cache
def standing_alone(number: int) -> dict[str, list[CodeType]]:
    """A chapter's code cells by their names, each as those of its statements that define and run nothing."""
    (one,) = (one for one in CHAPTERS.values() if one.number == number)
    return {
        cell.id: [
            compile(ast.Module([statement], []), cell.id, "exec")
            for statement in filter(stands_alone, ast.parse(cell.source).body)
        ]
        for cell in one.code
    }


def namespace_of_stub(one: Chapter, task: chapter.Exercise) -> dict[str, Any]:
    """What the check cell sees if nobody has touched the stub, without the results of the cells above."""
    (stub,) = task.stubs
    above = itertools.takewhile(lambda cell: cell is not stub, one.cells)
    names: dict[str, Any] = {"torch": torch, "np": np, "plt": plt}
    for cell in above:
        for statement in standing_alone(one.number).get(cell.id, []):
            with suppress(ImportError, NameError):  # a name that is missed will be missed below, or by nbval
                exec(statement, names)
    own = [statement for statement in ast.parse(stub.source).body if not isinstance(statement, ast.Expr)]
    exec(compile(ast.Module(own, []), stub.id, "exec"), names)
    names |= checks_of(one.number)
    linecache.cache[stub.id] = (
        len(stub.source),
        None,
        stub.source.splitlines(keepends=True),
        stub.id,
    )  # as IPython
    return names


def verdict_on_stub(task: chapter.Exercise, names: dict[str, Any]) -> Verdict:
    """As the check cell gives it, which sees these names."""
    return eval(compile(task.check.source.strip(), task.check.id, "eval"), names)


@contextmanager
def another_state() -> Iterator[None]:
    """Settings of the whole process that a notebook may have changed; they must be the same afterwards."""
    seed = torch.get_rng_state()
    torch.manual_seed(20)
    before, figures = torch.get_rng_state(), plt.get_fignums()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad(), torch.device("meta"):
            yield
        assert torch.get_default_dtype() == torch.float64, "a check changed the default dtype"
        assert torch.equal(before, torch.get_rng_state()), "a check drew from the global generator"
        assert plt.get_fignums() == figures, "a check left a figure open"
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_rng_state(seed)


# The notebook's side --------------------------------------------------------------------------


@every_exercise
def test_an_exercise_is_complete(one: Chapter, task: chapter.Exercise) -> None:
    if task.kind == "explain":
        assert task.answer is not None, f"exercise {task.number} has no answer to look up"
        assert "<summary>Answer" in task.answer.source
        assert task.stubs == (), "a question answered in words has no stub"
        return
    assert len(task.stubs) == 1, f"exercise {task.number} has {len(task.stubs)} stubs; one is expected"
    assert task.check is not None, f"exercise {task.number} has no check cell"
    assert task.solution is not None, f"exercise {task.number} has no solution cell"
    positions = [one.cells.index(cell) for cell in (task.stubs[0], task.check, task.solution)]
    assert positions == sorted(positions), (
        f"exercise {task.number}: expected the stub, its check, its solution"
    )
    assert len(ast.parse(task.check.source).body) == 1, "a check cell is one call"
    assert call_of(task.check).func.id == call_of(task.solution).func.id


@every_checked
def test_an_untouched_stub_is_met_politely(one: Chapter, task: chapter.Exercise) -> None:
    verdict = verdict_on_stub(task, namespace_of_stub(one, task))
    assert verdict.status == "not attempted", verdict
    assert shown(task.check).strip() == repr(verdict), "the notebook shows another verdict: make notebooks"


@every_checked
def test_code_to_mend_is_known_and_its_bug_has_a_message(one: Chapter, task: chapter.Exercise) -> None:
    check, names = check_of(one, task), namespace_of_stub(one, task)
    given = [names[argument.id] for argument in call_of(task.check).args]
    if not callable(given[0]) or "NotImplementedError" in task.stubs[0].source:
        assert check.came == "", "there is nothing to mend"
        return
    came = digest("\n".join(inspect.getsource(function) for function in given))
    assert check.came == came, f'in its data, write came="{came}"'
    verdict = attempt(dataclasses.replace(check, came=""), tuple(given))
    assert verdict.status == "failed", "the bug that is handed out is none"
    assert verdict.slip, f"no slip says this of the stub: {verdict}"


@every_checked
def test_the_stored_solution_passes_and_says_why_it_matters(one: Chapter, task: chapter.Exercise) -> None:
    assert re.match(rf"Exercise {task.number}: passed\. \S.{{19,}}", shown(task.solution), re.DOTALL)


@pytest.mark.parametrize("one", CHAPTERS.values(), ids=CHAPTERS)
def test_notebook_and_checks_hold_the_same_exercises(one: Chapter) -> None:
    tasks = {call_of(task.check).func.id: task.number for task in one.exercises if task.check is not None}
    if tasks:
        assert {name: check.number for name, check in checks_of(one.number).items()} == tasks


# What is right, and the slips -----------------------------------------------------------------


@every_checked
def test_right_passes_and_each_slip_gets_its_own_message(one: Chapter, task: chapter.Exercise) -> None:
    check = check_of(one, task)
    assert len(check.slips) >= (2 if check.choices else 4), f"exercise {task.number} has too few slips"
    assert len({slip.message for slip in check.slips}) == len(check.slips), "two slips say the same"
    right = attempt(check, check.right)
    verdicts = [attempt(check, slip.answer) for slip in check.slips]
    assert right.status == "passed", right
    assert len(right.message) >= 20, f"what is it good for? {right}"
    for slip, verdict in zip(check.slips, verdicts, strict=True):
        assert verdict.status == "failed", f"{verdict}\nexpected: {slip.message}"
        assert verdict.slip is slip, f"said: {verdict.message}\nexpected: {slip.message}"
        assert not re.search(r"\{\w*[:}]", verdict.message), f"a field is not filled in: {verdict}"
    said = [verdict.message for verdict in (right, *verdicts)]
    assert len(set(said)) == len(said)


@every_checked
def test_settings_of_the_process_change_no_verdict(one: Chapter, task: chapter.Exercise) -> None:
    """After ``torch.set_default_dtype(torch.float64)`` a check of chapter 7 once failed a right answer."""
    check, names = check_of(one, task), namespace_of_stub(one, task)
    stub = verdict_on_stub(task, names)
    with another_state():
        assert verdict_on_stub(task, names) == stub
        assert attempt(check, check.right).status == "passed", attempt(check, check.right)
        assert [attempt(check, slip.answer).slip for slip in check.slips] == list(check.slips)


def returning(value: Any) -> Callable:
    return lambda *arguments, **named: value


def raising(*arguments: Any, **named: Any) -> None:
    raise KeyError("nonsense")


def of_no_arguments_at_all(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> None:
    """Called with too few arguments, it raises before any line of it runs."""


VALUES = ["text", "", 3.5, -8, float("nan"), [1, 2], [], {}, {"a": 1}, True, 1j, object()]
VALUES += [np.array([1.0, 2.0]), np.array(["text"]), np.float64(0.123), torch.ones(2, 3), torch.tensor(1j)]
NONSENSE = [
    *VALUES,
    raising,
    of_no_arguments_at_all,
    *map(returning, [None, *VALUES]),
    returning(([1], "text")),
]


@every_checked
def test_nonsense_gets_a_sentence(one: Chapter, task: chapter.Exercise) -> None:
    """It fails: it does not raise, does not pass, and is not told as a fault of the course's."""
    check = check_of(one, task)
    attempts = len(check.right) if isinstance(check.right, tuple) else 1
    for answer in NONSENSE:
        verdict = check(*[answer] * attempts)
        assert verdict.status == "failed", f"{answer!r}: {verdict}"
        assert verdict.message
    told = check(*[raising] * attempts)
    assert callable(check.right) is False or "KeyError" in told.message, told


@every_checked
def test_an_answer_to_choose_can_be_judged_without_a_model(one: Chapter, task: chapter.Exercise) -> None:
    check = check_of(one, task)
    if task.kind == "predict" and check.choices:
        answers = {str(slip.answer) for slip in check.slips} | {str(check.right)}
        letters = isinstance(check.right, str)
        assert not letters or answers == set(check.choices), "a choice has no message"


def test_a_chapter_without_checks_is_told_which_file_is_missing() -> None:
    with pytest.raises(pytest.fail.Exception, match="no tms_utils/checks/chapter_99.py"):
        checks_of(99)


# The tools of which exercises are made ----------------------------------------------------------


def test_a_fault_of_the_checks_own_is_told_as_the_courses() -> None:
    @exercise("0.1", right=abs, slips=[Slip(int, "that is int")])
    def check(attempt: Callable) -> str:
        attempt(-2)
        return {}["no such key"]

    verdict = check(abs)
    assert verdict.status == "faulty check"
    assert "course's, not yours" in verdict.message
    assert "KeyError" in verdict.message
    assert check(lambda x: {}["no such key"]).status == "failed"
    assert "Your code raised KeyError" in check(lambda x: {}["no such key"]).message


def test_a_not_implemented_error_counts_as_a_stub_only_if_it_is_the_readers() -> None:
    @exercise("0.1", right=abs)
    def check(attempt: Callable) -> str:
        require(attempt(-2) == 2, "not two")
        raise NotImplementedError

    def stub(x: int) -> None:
        raise NotImplementedError("your code here")

    assert check(stub).status == "not attempted"
    assert check(None).status == "not attempted"
    assert check(abs).status == "faulty check"
    assert check(lambda x: torch.ones(1, dtype=torch.bool).svd()).status == "failed"


def test_words_that_puzzle_are_explained() -> None:
    @exercise("0.1", right=abs)
    def check(attempt: Callable) -> str:
        return str(attempt(torch.ones(2, 2) > 0))

    assert "`.float()`" in check(lambda on: on.T @ on).message
    assert "is a `return` missing" in check(lambda on: None * 2).message


def test_compare_finds_the_slip_that_an_answer_looks_like() -> None:
    squared, halved = Slip(lambda x: x**2, "squared"), Slip(lambda x: x / 2, "halved, {by}")

    @exercise("0.1", right=abs, slips=[squared, halved])
    def check(attempt: Callable) -> str:
        seen, is_right = check.compare(attempt, lambda f: [float(f(x)) for x in (-3.0, 2.0)])
        require(seen[1] != 1, halved, by=2)
        require(is_right, f"neither: {seen}")
        return "right"

    assert check(lambda x: max(x, -x)).status == "passed"
    assert check(lambda x: x * x).slip is squared
    assert check(lambda x: 0.5 * x).message == "halved, 2"
    assert check(lambda x: x + 1).message == "neither: [-2.0, 3.0]"


@pytest.mark.filterwarnings("error")
def test_an_array_that_cannot_be_written_to_is_an_answer_like_another() -> None:
    locked = np.arange(3.0)
    locked.flags.writeable = False
    assert as_tensor(locked).tolist() == [0, 1, 2]
    assert as_tensor(list(torch.arange(3.0))).tolist() == as_tensor([0, 1, 2]).tolist()


def test_a_choice_takes_its_letters_in_any_dress() -> None:
    check = choice("0.1", right="C", slips={"A": "not A", "B": "not B"}, praise="well chosen")
    assert check.choices == ("A", "B", "C")
    for right in ("C", "c", " C. ", "(c)", np.str_("C")):
        assert check(right).message == "well chosen"
    assert check("a").message == "not A"
    assert check("D").message == "Expected one of A, B, C; got 'D'."


def test_a_number_comes_in_any_type() -> None:
    check = number("0.1", right=7, slips={6: "one more"}, praise="it is seven", low=2)
    for right in (7, 7.0, np.int64(7), np.float32(7), torch.tensor(7), torch.tensor([7.0]), np.array([[7]])):
        assert check(right).status == "passed", right
    assert check(6.0).message == "one more"
    assert check(1).message == "Expected a number from 2 to inf; got 1."
    assert check(True).status == check("7").status == "failed"
