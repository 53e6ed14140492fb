"""What judge and handed-in code send each other arrives as it was, runs nothing, and gives the same verdicts."""

import enum
import importlib
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Generator

from tms_utils.checks import chapter_01, chapter_02, chapter_06, chapter_08
from tms_utils.checks.attempts import as_number

sys.modules["grading_inside"] = importlib.import_module("grading.inside")  # as the private copy is called
from grading_inside import calls, judge, wire  # noqa: E402


class Line:
    """The line to the handed-in code, without a process at its other end."""

    def ask(self, **question: object) -> dict:
        said = json.loads(json.dumps(calls.answer({}, json.loads(json.dumps(question)))))
        if "raised" in said and "changed" not in said:
            raise judge.rebuilt(said["raised"])
        return said


def verdict_from_afar(name: str, *attempts: object) -> tuple[str, str]:
    found = calls.answer({"attempts": attempts}, {"do": "arguments", "expression": "attempts"})
    asked = {"check": name, "attempts": found["value"], "is_to_write": False, "allowed": [], "source": ""}
    said = judge.judge(Line(), asked)
    calls.answer({}, {"do": "end"})
    return said["status"], said["message"]


@pytest.mark.parametrize(
    ("chapter", "name"),
    [
        (chapter_01, "check_sgd_step"),  # changes its arguments, and their gradients
        (chapter_01, "check_linear_loss"),
        (chapter_01, "check_prediction_sparse"),
        (chapter_02, "check_figure"),  # returns a figure
        (chapter_06, "check_mean_loss"),  # is handed a function
        (chapter_08, "check_history"),  # must not change its argument
    ],
)
def test_a_check_judges_from_afar_as_it_does_nearby(chapter, name: str, monkeypatch) -> None:
    monkeypatch.setitem(judge.CHECKS, name, check := getattr(chapter, name))
    for answer in [check.right, *[slip.answer for slip in check.slips]]:
        attempts = answer if isinstance(check.right, tuple) else (answer,)
        here = check(*attempts)
        assert verdict_from_afar(name, *attempts) == (here.status, here.message)


def there_and_back(value: object) -> object:
    return wire.decode(json.loads(json.dumps(wire.encode(value, calls.keep))), lambda described: described)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2**70,
        0.1,
        "é",
        [1, (2, {3})],
        {"a": None, 4: [5]},
        1j,
        np.float32(2),
        np.arange(3),
        "B",
    ],
)
def test_values_arrive_as_they_were(value: object) -> None:
    found = there_and_back(value)
    assert type(found) is type(value)
    assert np.all(found == value)


@pytest.mark.parametrize(
    "value", [Fraction(7, 2), Decimal("3.5"), enum.IntEnum("Size", {"seven": 7}).seven, range(5)]
)
def test_odd_numbers_arrive_as_the_students_own_check_takes_them(value: object) -> None:
    arrived = there_and_back(value)
    if isinstance(value, range):
        assert arrived == [*value]
    else:
        assert as_number(arrived) == as_number(value)
        assert type(arrived) in (int, float)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
@pytest.mark.parametrize("shape", [(), (0, 2), (3, 2)])
def test_tensors_arrive_as_they_were(dtype: torch.dtype, shape: tuple) -> None:
    value = torch.ones(shape).to(dtype)
    found = there_and_back(value)
    assert (found.dtype, found.shape) == (dtype, value.shape)
    assert torch.equal(found, value)


def test_gradients_and_leaves_arrive() -> None:
    leaf = torch.ones(2, requires_grad=True)
    (leaf * 3).sum().backward()
    found = there_and_back([leaf, leaf * 2])
    assert [one.is_leaf for one in found] == [True, False]
    assert found[0].grad.tolist() == [3, 3]


def test_functions_and_generators_reach_the_handed_in_code() -> None:
    factor, generator = 2, Generator().manual_seed(4)

    def times(x: int, *, plus: int = 1) -> int:
        return factor * x + plus

    function, copy = wire.loads(wire.dumps((times, generator)))
    assert function(3) == 7
    assert torch.equal(torch.rand(3, generator=copy), torch.rand(3, generator=generator))


def liar(kind: type) -> type:
    return type(
        "Liar", (kind,), {"__eq__": lambda *_: True, "__hash__": kind.__hash__, "__len__": lambda _: 1}
    )


@pytest.mark.parametrize("kind", [str, int, float, list, tuple])
def test_what_equals_everything_arrives_bare(kind: type) -> None:
    found = there_and_back(liar(kind)())
    assert type(found) is not liar(kind)
    assert found != "B"


@pytest.mark.parametrize(
    "said",
    [
        {"tensor": {"dtype": "load", "shape": [1], "data": ""}},
        {"tensor": {"dtype": "float32", "shape": [10**9], "data": ""}},
        {"array": ["O", [1], "", False]},
        {"pickle": "gASVJ"},
        {"a": 1, "b": 2},
    ],
)
def test_a_forged_answer_is_refused(said: dict) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        wire.decode(said, lambda described: described)


@pytest.mark.parametrize("raised", [KeyError("x"), UnicodeDecodeError("a", b"", 0, 1, "b"), SystemExit(3)])
def test_errors_are_told_by_their_name_and_text(raised: BaseException) -> None:
    found = judge.rebuilt(calls.described(raised))
    assert isinstance(found, Exception)
    assert (type(found).__name__, str(found)) == (type(raised).__name__, str(raised))


def test_calls_of_torch_are_counted_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(counted: Callable) -> int:
        from tms_utils.checks.behaviour import torch_calls

        return torch_calls(counted)

    found = calls.answer(
        {"f": lambda: [torch.ones(1) + 1 for _ in range(50)]}, {"do": "arguments", "expression": "[f]"}
    )
    judging = judge.Judging(Line(), False, [], None)
    (remote,) = judging.decode(found["value"])
    assert loop(remote) >= 100
    calls.answer({}, {"do": "end"})
