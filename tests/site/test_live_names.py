"""The live figures name arrangements of features in the plane as the package does."""

import numpy as np
import pytest
import torch

from tms_utils import SparseFeatures, ToyModel, train
from tms_utils.live.figure import source
from tms_utils.shapes import geometry_name, polygon


def names(compute, weights: list) -> list[str]:
    """The names of models in the plane, with these W of shape (2, features)."""
    rows = [torch.as_tensor(W).T.tolist() for W in weights]
    return compute("(models) => models.map((W) => tms.geometryName({n: W.length, m: 2, W: W.flat()}))", rows)


def test_random_arrangements_have_the_packages_names(compute):
    """Directions at random, and regular shapes that are shaken more and more; some features too short to count."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.8, (2, rng.integers(1, 9))) for _ in range(200)]
    for k in (2, 3, 4, 5, 6, 7, 8) * 30:
        turn = rng.uniform(0, 6.3)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        shaken = rotation @ polygon(k).numpy() + rng.normal(0, rng.choice([0.02, 0.1, 0.2]), (2, k))
        weights.append(np.hstack([shaken, rng.normal(0, 0.2, (2, rng.integers(0, 3)))]))
    expected = [geometry_name(torch.tensor(W)) for W in weights]
    assert {"nothing", "dedicated dimension", "2 dedicated dimensions", "digon", "2 digons", "triangle", "pentagon",
            "hexagon", "heptagon", "octagon", "irregular group of 5"} <= set(expected)  # fmt: skip
    assert names(compute, weights) == expected


def test_trained_models_have_the_packages_names(compute):
    density = torch.tensor([1.0, 0.4, 0.25, 0.15, 0.05]).repeat_interleave(12)
    model = ToyModel(5, 2, len(density), generator=torch.Generator().manual_seed(0))
    importance = 0.9 ** torch.arange(5)
    for steps in (100, 700):  # half way, and at the end
        train(model, SparseFeatures(5, density), importance, steps=steps, progress=False)
        weights = list(model.W.detach())
        expected = [geometry_name(W) for W in weights]
        assert names(compute, weights) == expected
    assert {"2 dedicated dimensions", "digon + dedicated dimension", "2 digons", "pentagon"} <= set(expected)


@pytest.mark.parametrize(
    ("angles", "norms"),
    [
        ([0, 90], [1, 1]),
        ([0, 180], [1, 1]),
        ([0, 180, 90], [1, 1, 0.9]),
        ([0, 120, 240], [1, 1, 1]),
        ([0, 180, 90, 270], [1, 1, 1, 1]),
        ([0, 72, 144, 216, 288], [1, 1, 1, 1, 1]),
    ],
)
def test_the_tables_rows_are_names_that_occur(compute, angles, norms):
    """The rows that many_seeds counts in are the package's names of what five features in the plane become."""
    rows = compute("() => tms.ROWS.map(([name]) => name)")
    radians = np.radians(np.array(angles) + 17)
    W = torch.tensor(np.array(norms) * np.stack([np.cos(radians), np.sin(radians)]))
    assert geometry_name(W) in rows[:-1]
    assert len(rows) == 7


def test_the_square_is_two_digons_here_too():
    assert '"pentagon"' in source("shapes.js")
    assert '"square"' not in source("shapes.js")
