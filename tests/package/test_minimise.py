"""The one descent: minima known on paper, and what it refuses."""

import pytest
import torch

from tms_utils.minimise import minimise


def bowl(x: torch.Tensor) -> torch.Tensor:
    return (x - 3).square().sum()


def test_it_finds_the_bottom_of_a_bowl_and_leaves_the_start_alone():
    start = torch.zeros(2, 3, dtype=torch.float64)
    (bottom,) = minimise(bowl, start)
    torch.testing.assert_close(bottom, torch.full((2, 3), 3.0, dtype=torch.float64))
    assert not bottom.requires_grad
    assert torch.equal(start, torch.zeros_like(start))


def test_it_follows_rosenbrocks_bent_valley_in_two_unknowns():
    x, y = minimise(lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2, torch.tensor(-1.2), torch.tensor(1.0))
    assert (x.item(), y.item()) == pytest.approx((1, 1), abs=1e-6)


def test_it_works_where_gradients_are_switched_off():
    with torch.no_grad():
        (bottom,) = minimise(bowl, torch.zeros(1))
    assert bottom.item() == pytest.approx(3)


def test_few_steps_are_few_and_a_loose_tolerance_stops_early():
    def valley(x: torch.Tensor) -> torch.Tensor:
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    def missing(**options) -> float:
        return valley(minimise(valley, torch.tensor([-1.2, 1.0]), **options)[0]).item()

    assert missing(steps=3) > 1
    assert 1e-12 < missing(tolerance=0.1) < 1
    assert missing() < 1e-12


def test_where_no_slope_exceeds_the_tolerance_it_stays():
    start = torch.ones(2)
    assert torch.equal(minimise(bowl, start, tolerance=5.0)[0], start.double())  # the slope is 4
    assert not torch.equal(minimise(bowl, start, tolerance=3.0)[0], start.double())


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {}, "at least one tensor to start from; got none"),
        (("here",), {}, "expected the start to be numbers; got 'here'"),
        ((torch.tensor([0.0, float("nan")]),), {}, "expected the start to be finite numbers; got nan"),
        ((torch.zeros(0),), {}, "one finite number at the start; got nan"),
        ((torch.zeros(2),), {"steps": 0}, "expected steps to be a whole number >= 1; got 0"),
        ((torch.zeros(2),), {"tolerance": -1.0}, "expected tolerance to be a finite number > 0; got -1"),
        ((torch.zeros(2),), {"tolerance": float("nan")}, "expected tolerance to be a finite number > 0"),
    ],
)
def test_bad_input_is_named(arguments, options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        minimise(lambda x: bowl(x).log() if x.numel() else x.sum() / 0 * 0, *arguments, **options)


def test_a_function_that_is_not_one_finite_number_is_refused():
    for f in (lambda x: x - 3, lambda x: x.log().sum(), lambda x: 3.0):
        with pytest.raises(ValueError, match="expected f to be one finite number at the start; got"):
            minimise(f, -torch.ones(2))
