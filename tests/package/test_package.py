"""The package as a whole: one version number, every public name, and what each function says to bad input."""

import importlib.metadata
import math
import tomllib
from collections.abc import Callable

import numpy as np
import pytest
import torch

import tms_utils
from tms_utils import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    KActiveFeatures,
    SparseFeatures,
    ToyModel,
    estimate_loss,
    train,
)
from tms_utils.training import learning_rate


def test_one_version_number(root):
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert importlib.metadata.version("tms-utils") == version
    assert tms_utils.__version__ == version
    assert f"\nversion: {version}\n" in (root / "CITATION.cff").read_text()


def test_every_public_name_is_there():
    assert all(hasattr(tms_utils, name) for name in tms_utils.__all__)
    assert sorted(tms_utils.__all__) == tms_utils.__all__


# Bad input ----------------------------------------------------------------------------------

WHOLE = [-1, 2.5, math.nan, "3", None, True, torch.ones(2), 10**30]
COUNT = [0, *WHOLE[:-1]]
SEED = [value for value in WHOLE if value is not None]  # None: PyTorch's global source
SHARE = [0, -0.1, 1.5, math.nan, "half", None, torch.ones(2, 2, 2), [0.5, 2.0], 1j]
WEIGHTS = [math.nan, "W", None, torch.ones(2, 3, 4, 5), 1.0, torch.full((2, 4), torch.inf), torch.ones(0, 4)]
GIVEN = [value for value in WEIGHTS if value is not None]
IMPORTANCE = [-1, math.nan, math.inf, "high", torch.ones(3), torch.ones(5, 4), torch.ones(1, 1, 4)]
ROWS = [
    torch.ones(4),
    torch.ones(1, 2, 3),
    torch.ones(2, 2, 4),
    torch.ones(1, 2, 4, 1),
    torch.ones(1, 2, 4).double(),
]
SCALE = [0, -1.0, math.nan, math.inf, "fast", None, torch.ones(2)]
PLACE = ["gpu", "cuda:99", "", 1.5, "meta"]


def trained(**options: object) -> object:
    arguments = {"model": ToyModel(4, 2), "features": SparseFeatures(4, 0.5), "steps": 2, "progress": False}
    return train(**(arguments | options))


def estimated(**options: object) -> object:
    return estimate_loss(**({"model": ToyModel(4, 2), "features": SparseFeatures(4, 0.5)} | options))


def at(step: int = 0, steps: int = 10, peak: float = 1.0, warm_up: float = 0.1) -> float:
    return learning_rate(step, steps, peak, warm_up)


def drawn(kind: type = SparseFeatures, **options: object) -> object:
    return kind(4, 1).sample(**({"batch_size": 3} | options))


def drawn_weighted(kind: type = SparseFeatures, **options: object) -> object:
    return kind(4, 1).sample_weighted(**({"batch_size": 3} | options))


MODULES = [None, "model", torch.eye(4), ToyModel, 3]
DISTRIBUTIONS = [None, "sparse", torch.rand(1, 3, 4), SparseFeatures, SparseFeatures(5, 0.5)]

# A function, an argument of it, a value that it takes, and values that it must refuse.
CASES: list[tuple[Callable, str, object, list]] = [
    (lambda n_features: SparseFeatures(n_features, 0.5), "n_features", 4, COUNT),
    (lambda density: SparseFeatures(4, density), "density", 0.5, [*SHARE, torch.ones(2, 3), torch.ones(0)]),
    (lambda n_instances: SparseFeatures(4, 0.5).expand(n_instances), "n_instances", 2, COUNT),
    (lambda device: SparseFeatures(4, 0.5).to(device), "device", "cpu", [*PLACE, None]),
    (lambda size: SparseFeatures(4, 0.5).uniform(size, generator=None), "size", 3, WHOLE[:-1]),
    (lambda generator: SparseFeatures(4, 0.5).uniform(3, generator=generator), "generator", None, [*SEED, 3]),
    (drawn, "batch_size", 3, COUNT),
    (drawn, "generator", 1, SEED),
    (drawn_weighted, "batch_size", 3, [1, *COUNT]),
    (drawn_weighted, "generator", 1, SEED),
    (lambda k: KActiveFeatures(4, k), "k", 2, [5, *WHOLE]),
    (lambda n_features: KActiveFeatures(n_features, 0), "n_features", 4, COUNT),
    (lambda n_instances: KActiveFeatures(4, 2, n_instances), "n_instances", 2, COUNT),
    (lambda batch_size: drawn(KActiveFeatures, batch_size=batch_size), "batch_size", 1, COUNT),
    (lambda batch_size: drawn(CorrelatedFeatures, batch_size=batch_size), "batch_size", 1, COUNT),
    (lambda generator: drawn(KActiveFeatures, generator=generator), "generator", 1, SEED),
    (lambda generator: drawn(CorrelatedFeatures, generator=generator), "generator", 1, SEED),
    (lambda density: CorrelatedFeatures(4, density), "density", 0.5, SHARE),
    (lambda set_size: CorrelatedFeatures(4, 0.5, set_size), "set_size", 2, [3, 8, *COUNT]),
    (lambda together: CorrelatedFeatures(4, 0.5, together=together), "together", 0.9, [0.4, *SHARE]),
    (lambda density: AnticorrelatedFeatures(4, density), "density", 0.5, [0.6, *SHARE]),
    (lambda set_size: AnticorrelatedFeatures(4, 0.2, set_size), "set_size", 2, [3, 8, *COUNT]),
    (lambda n_features: ToyModel(n_features, 2), "n_features", 4, COUNT),
    (lambda n_hidden: ToyModel(4, n_hidden), "n_hidden", 2, COUNT),
    (lambda n_instances: ToyModel(4, 2, n_instances), "n_instances", 2, COUNT),
    (lambda generator: ToyModel(4, 2, generator=generator), "generator", 0, SEED),
    (lambda W: ToyModel.with_weights(W), "W", np.ones((2, 4)), WEIGHTS),
    (lambda b: ToyModel.with_weights(torch.ones(2, 4), b), "b", np.ones(4), GIVEN),
    (lambda V: ToyModel.with_weights(torch.ones(2, 4), V=V), "V", np.ones((2, 4)), GIVEN),
    (lambda x: ToyModel(4, 2)(x), "x", torch.ones(1, 2, 4), ROWS),
    (lambda h: ToyModel(4, 2).decode(h), "h", torch.ones(1, 2, 2), ROWS),
    (lambda x: ToyModel(4, 2).set_gradients(x, torch.ones(1, 1, 1)), "x", torch.ones(1, 2, 4), ROWS),
    (lambda cost: ToyModel(4, 2).set_gradients(torch.ones(1, 2, 4), cost), "cost", torch.ones(1, 2, 4), [*ROWS[1:4], torch.ones(3, 1, 1), torch.ones(1, 3, 1)]),
    (trained, "model", ToyModel(4, 2), MODULES),
    (trained, "features", SparseFeatures(4, 0.5), DISTRIBUTIONS),
    (trained, "importance", [1, 2, 3, 4], IMPORTANCE),
    (trained, "steps", 3, COUNT),
    (trained, "batch_size", 3, [1, *COUNT]),
    (trained, "lr", 0.01, SCALE),
    (trained, "seed", 1, WHOLE),
    (trained, "record_every", 1, [value for value in COUNT if value is not None]),
    (trained, "device", "cpu", PLACE),
    (estimated, "model", ToyModel(4, 2), MODULES),
    (estimated, "features", SparseFeatures(4, 0.5), DISTRIBUTIONS),
    (estimated, "importance", [1, 2, 3, 4], IMPORTANCE),
    (estimated, "batch_size", 3, [1, *COUNT]),
    (estimated, "seed", 1, WHOLE),
    (at, "step", 3, [10, *WHOLE]),
    (at, "steps", 3, COUNT),
    (at, "peak", 2, SCALE),
    (at, "warm_up", 0, [-0.1, 1.5, math.nan, math.inf, "long", None]),
]  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("function", "argument", "good", "bad"),
    CASES,
    ids=[f"{k} {name}" for k, (_, name, *_) in enumerate(CASES)],
)
def test_bad_input_is_a_value_error_that_says_what_was_expected_and_what_came(function, argument, good, bad):
    function(**{argument: good})
    assert len(bad) >= 5
    for value in bad:
        with pytest.raises(ValueError, match="(?s)^expected .*; got ") as told:
            function(**{argument: value})
        assert len(str(told.value)) < 300
