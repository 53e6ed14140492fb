"""The validators: what has one clear meaning is taken, and all else is refused with what came."""

import math

import numpy as np
import pytest
import torch

from tms_utils.validate import (
    as_density,
    as_device,
    as_generator,
    as_importance,
    as_numbers,
    positive_int,
    positive_number,
    whole_number,
)

pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)])
def test_whole_numbers_of_any_kind_become_ints(value):
    assert type(whole_number("n", value)) is int
    assert whole_number("n", value) == positive_int("n", value) == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "True"),
        (np.True_, "True"),
        (torch.tensor(True), "tensor"),
        (2.0, "2.0"),
        (math.nan, "nan"),
        ("2", "'2'"),
        (None, "None"),
        (-1, "-1"),
        ([2], r"\[2\]"),
        (torch.ones(3), r"a table of shape \(3,\)"),
    ],
)
def test_what_is_no_whole_number_is_shown(value, shown):
    for check, lowest in ((whole_number, 0), (positive_int, 1)):
        with pytest.raises(
            ValueError, match=f"^expected size to be a whole number >= {lowest}; got .*{shown}"
        ):
            check("size", value)


def test_the_lowest_whole_number_is_taken_and_the_one_below_is_not():
    assert whole_number("n", 2, 2) == 2
    for check, value in ((lambda v: whole_number("n", v, 2), 1), (lambda v: positive_int("n", v), 0)):
        with pytest.raises(ValueError, match=f"got {value}"):
            check(value)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), torch.tensor(0.5)])
def test_positive_numbers_become_floats(value):
    assert type(positive_number("lr", value)) is float
    assert positive_number("lr", value) == 0.5


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, "0.1", None, torch.ones(2), 1j])
def test_what_is_no_positive_number_is_refused(value):
    with pytest.raises(ValueError, match="^expected lr to be a finite number > 0; got "):
        positive_number("lr", value)


def test_numbers_become_tensors_without_a_gradient():
    for value in (2, [2.0], np.array([2.0]), torch.tensor([2])):
        assert as_numbers("W", value).dtype == torch.float32
    weights = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert as_numbers("W", weights).dtype == torch.float64
    assert not as_numbers("W", weights).requires_grad
    assert as_numbers("W", math.nan, finite=False).isnan()


@pytest.mark.parametrize(
    "value", [math.nan, -math.inf, "abc", None, [[1], [1, 2]], 1j, torch.tensor([True]), {}]
)
def test_what_are_no_numbers_is_refused(value):
    with pytest.raises(ValueError, match="^expected W to be .*numbers; got "):
        as_numbers("W", value)


def test_a_seed_stands_for_a_generator():
    drawn = torch.rand(3, generator=torch.Generator().manual_seed(7))
    for seed in (7, np.int64(7), torch.tensor(7)):
        assert torch.equal(torch.rand(3, generator=as_generator(seed)), drawn)
    generator = torch.Generator()
    assert as_generator(generator, "cpu") is generator
    assert as_generator(None) is None


@pytest.mark.parametrize("value", [-1, 1.5, "0", True, 2**63, math.nan])
def test_what_is_no_seed_is_refused(value):
    with pytest.raises(ValueError, match="^expected a .*seed.*; got "):
        as_generator(value)


def test_a_generator_elsewhere_is_named():
    with pytest.raises(ValueError, match="a generator on cuda, where the features are; got one on cpu"):
        as_generator(torch.Generator(), "cuda")


@pytest.mark.parametrize("value", ["gpu", "cuda:99", "", None, 1.5, "meta"])
def test_a_device_that_is_not_there_is_named(value):
    with pytest.raises(ValueError, match=f'^expected a device that is there: "cpu".*; got {value!r}'):
        as_device(value)
    assert as_device("cpu") == as_device(torch.device("cpu")) == torch.device("cpu")


def test_density_has_one_meaning_for_each_shape():
    table = torch.tensor([[0.25], [0.5]]).expand(2, 3)
    for value in ([0.25, 0.5], table[:, 0], table[:, :1], table, table.numpy()):
        given = as_density(value, 3)
        assert torch.equal(given, table)
        assert given.is_contiguous()
    assert as_density(0.5, 2).tolist() == as_density(torch.tensor([[0.5, 0.5]]), 2).tolist() == [[0.5, 0.5]]
    assert as_density(0, 2, zero=True).tolist() == [[0, 0]]
    handed_in = torch.full((1, 3), 0.5)
    as_density(handed_in, 3)[:] = 0.1
    assert (handed_in == 0.5).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, r"density = 1 - S in \(0, 1\]; got 0"),
        (1.5, r"\(0, 1\]; got 1.5"),
        (math.nan, r"\(0, 1\]; got nan"),
        ([0.5, -0.5], r"\(0, 1\]; got -0.5"),
        (torch.ones(2, 2), r"\(instances, 3\); got shape \(2, 2\)"),
        (torch.ones(0), r"got shape \(0,\)"),
        (torch.ones(1, 1, 3), r"got shape \(1, 1, 3\)"),
        ("0.5", "density to be numbers; got '0.5'"),
        (None, "density to be numbers; got None"),
    ],
)
def test_what_is_no_density_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        as_density(value, 3)


def test_importance_broadcasts():
    for value, expected in (
        (None, [[1, 1], [1, 1], [1, 1]]),
        (2, [[2, 2], [2, 2], [2, 2]]),
        ([0, 2], [[0, 2], [0, 2], [0, 2]]),
        ([[0, 2]], [[0, 2], [0, 2], [0, 2]]),
        ([[1], [2], [3]], [[1, 1], [2, 2], [3, 3]]),
        (np.array([[1, 2], [3, 4], [5, 6]]), [[1, 2], [3, 4], [5, 6]]),
    ):
        assert as_importance(value, 3, 2).tolist() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1, "every importance to be a finite number >= 0; got -1"),
        (math.nan, "got nan"),
        ([1, math.inf], "got inf"),
        ([1, 2, 3], r"broadcast against \(instances, features\) = \(3, 2\); got shape \(3,\)"),
        (torch.ones(1, 3, 2), r"got shape \(1, 3, 2\)"),
        ("one", "importance to be numbers; got 'one'"),
    ],
)
def test_what_is_no_importance_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        as_importance(value, 3, 2)
