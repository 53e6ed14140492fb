"""What the package's tests share."""

from collections.abc import Iterator

import jaxtyping
import pytest
import torch

BAD_WEIGHTS = {
    "too few axes": (torch.ones(5), r"expected W of shape \(.*, features\); got \(5,\)"),
    "not numbers": ("W", "expected W to be numbers; got 'W'"),
    "nothing at all": (None, "expected W to be numbers; got None"),
    "NaN": (torch.tensor([[1, float("nan"), 0], [0, 1, 0]]), "expected W to be finite numbers; got nan"),
    "infinite": (torch.tensor([[1, float("inf"), 0], [0, 1, 0]]), "expected W to be finite numbers; got inf"),
    "no features": (torch.ones(2, 0), r"expected W of shape \(.*, features\); got \(2, 0\)"),
    "not real": (
        torch.ones(2, 3, dtype=torch.complex64),
        "expected W to be real numbers; got torch.complex64",
    ),
}


@pytest.fixture
def unchecked() -> Iterator[None]:
    """The package as its readers run it: without the checks of shapes and types that the tests switch on."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(params=BAD_WEIGHTS.values(), ids=BAD_WEIGHTS.keys())
def bad_weights(request: pytest.FixtureRequest, unchecked: None) -> tuple[object, str]:
    """A W that no function may take, and the words that it is refused with."""
    return request.param
