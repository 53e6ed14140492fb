"""What shape is it? Exact polytopes, points that push each other apart, and names for trained features.

A polytope is given like W: shape ``(hidden, features)``, column i the i-th vertex, at distance 1 from the centre.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable

import torch
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from tms_utils.geometry import as_weights, feature_norms, gram
from tms_utils.minimise import minimise
from tms_utils.validate import WholeNumber, as_numbers, positive_int, positive_number, whole_number

__all__ = [
    "POLYTOPES",
    "feature_groups",
    "geometry_name",
    "interference_energy",
    "polygon",
    "polytope",
    "shape_counts",
    "simplex",
    "spread_on_sphere",
    "square_antiprism",
    "thomson_energy",
]

# Exact shapes -----------------------------------------------------------------------------------


def polygon(k: WholeNumber) -> Float[Tensor, "2 k"]:
    """k >= 2 vertices, equally spaced on the unit circle."""
    k = whole_number("k", k, 2)
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    return torch.stack([angle.cos(), angle.sin()])


def simplex(k: WholeNumber) -> Float[Tensor, "hidden k"]:
    """k >= 2 vertices in k - 1 dimensions, all equally far apart: digon, triangle, tetrahedron, 5-cell."""
    k = whole_number("k", k, 2)
    centred = torch.eye(k, dtype=torch.float64) - 1 / k
    along = torch.linalg.svd(centred).Vh[: k - 1]  # an orthonormal basis of the space they span
    return torch.nn.functional.normalize(along @ centred, dim=0)


def square_antiprism(height: float, twist: float = math.pi / 4) -> Float[Tensor, "3 8"]:
    """Two squares at ±height on the unit sphere, one turned by ``twist`` against the other (0 makes a prism).

    Raises:
        ValueError: if the height lies outside [0, 1], or the twist is not a finite number.
    """
    height, twist = (_one_number(name, value) for name, value in (("height", height), ("twist", twist)))
    if not 0 <= height <= 1:
        raise ValueError(f"expected a height in [0, 1]; got {height:g}")
    c, s = math.cos(twist), math.sin(twist)
    turn = torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
    flat = math.sqrt(1 - height**2) * torch.hstack([polygon(4), turn @ polygon(4)])
    return torch.vstack([flat, height * torch.tensor([[1.0] * 4 + [-1.0] * 4], dtype=torch.float64)])


def _icosahedron() -> Float[Tensor, "3 12"]:
    golden = (1 + 5**0.5) / 2
    corner = torch.tensor([[0, s, t * golden] for s in (1, -1) for t in (1, -1)], dtype=torch.float64)
    return torch.cat([corner.roll(shift, dims=1) for shift in range(3)]).T / math.hypot(1, golden)


# Listed by dimensions. block_diag puts arrangements into dimensions of their own: a bipyramid is a polygon and a digon.
_MAKERS: dict[str, Callable[[], Tensor]] = {
    "digon": lambda: simplex(2),
    "triangle": lambda: polygon(3),
    "square": lambda: polygon(4),
    "pentagon": lambda: polygon(5),
    "hexagon": lambda: polygon(6),
    "heptagon": lambda: polygon(7),
    "octagon": lambda: polygon(8),
    "tetrahedron": lambda: simplex(4),
    "triangular bipyramid": lambda: torch.block_diag(polygon(3), simplex(2)),
    "octahedron": lambda: torch.block_diag(polygon(4), simplex(2)),
    "pentagonal bipyramid": lambda: torch.block_diag(polygon(5), simplex(2)),
    "square antiprism": lambda: square_antiprism(height=3**-0.5),
    "cube": lambda: square_antiprism(height=3**-0.5, twist=0.0),
    "icosahedron": _icosahedron,
    "5-cell": lambda: simplex(5),
}
POLYTOPES = tuple(_MAKERS)


def polytope(name: str) -> Float[Tensor, "hidden features"]:
    """The vertices of a polytope of ``POLYTOPES``, in double precision.

    The square antiprism is the one with height² = 1/3, which is spread evenly over its three dimensions.

    Raises:
        ValueError: if there is no polytope of that name here.
    """
    if not isinstance(name, str) or name not in _MAKERS:
        raise ValueError(f"expected one of {', '.join(POLYTOPES)}; got {name!r}")
    return _MAKERS[name]()


# Energies ---------------------------------------------------------------------------------------


def thomson_energy(points: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """Σ_{i<j} 1 / |P_i - P_j|: the energy of equal charges, which the Thomson problem minimises on the sphere."""
    points = as_weights(points)
    i, j = torch.triu_indices(points.shape[-1], points.shape[-1], offset=1)
    return (1 / torch.linalg.vector_norm(points[..., i] - points[..., j], dim=-2)).sum(-1)


def interference_energy(points: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """Σ_{i≠j} ReLU(P_i · P_j)²: the interference that a ReLU at bias 0 lets through, for features of length 1."""
    cosine = gram(points)
    return cosine.relu().square().sum((-2, -1)) - torch.diagonal(cosine, dim1=-2, dim2=-1).square().sum(-1)


def spread_on_sphere(
    energy: Callable[[Tensor], Tensor],
    n_points: WholeNumber,
    *,
    hidden: WholeNumber = 3,
    restarts: WholeNumber = 8,
    seed: WholeNumber = 0,
) -> Float[Tensor, "hidden n_points"]:
    """The arrangement of least ``energy`` on the unit sphere, the best of several random starts.

    ``energy`` maps points of shape ``(restarts, hidden, n_points)`` to one number a restart.

    Raises:
        ValueError: if ``energy`` is no function, or the others are not whole numbers (>= 1; the seed >= 0).
    """
    if not callable(energy):
        raise ValueError(f"expected energy to be a function of points; got {energy!r}")
    sizes = {"restarts": restarts, "hidden": hidden, "n_points": n_points}
    shape = tuple(positive_int(name, size) for name, size in sizes.items())
    generator = torch.Generator().manual_seed(whole_number("seed", seed))

    def on_sphere(free: Tensor) -> Tensor:
        return torch.nn.functional.normalize(free, dim=-2)

    start = torch.randn(shape, generator=generator, dtype=torch.float64)
    (free,) = minimise(lambda free: energy(on_sphere(free)).sum(), start)
    points = on_sphere(free)
    return points[energy(points).argmin()]


# Names ------------------------------------------------------------------------------------------


def feature_groups(
    W: Float[Tensor, "hidden features"], threshold: float = 0.5, overlap: float = 0.2
) -> list[list[int]]:
    """Represented features (|W_i| > threshold), grouped so that different groups are orthogonal.

    Two features are linked if |cos| of the angle between them exceeds ``overlap``. (A trained right angle is
    rarely more than eight degrees out, which is |cos| = 0.14; the least overlap inside a shape of
    ``geometry_name`` that has to link is the 5-cell's, 0.25.) Each group is a connected component, in order
    of its first feature; a feature linked to no other is a group of one.

    Raises:
        ValueError: unless W is one finite matrix, or if threshold or overlap is not a finite number > 0.
    """
    W, overlap = as_weights(W, one=True).detach(), positive_number("overlap", overlap)
    kept = (feature_norms(W) > positive_number("threshold", threshold)).nonzero().flatten()
    if len(kept) == 0:
        return []
    n_groups, group = connected_components((_cosines(W[:, kept]).abs() > overlap).cpu().numpy())
    return sorted(kept.cpu()[torch.from_numpy(group) == k].tolist() for k in range(n_groups))


def shape_counts(W: Float[Tensor, "hidden features"], tolerance: float = 0.25) -> Counter[str]:
    """How many of each shape the represented features make: ``{"digon": 2}``, ``{"pentagon": 1}``, ...

    Each group of ``feature_groups`` is named by its angles alone, for lengths differ with importance: it has
    a shape's name if its cosines, sorted, are those of the regular shape within ``tolerance`` (at a
    pentagon's corner, about fifteen degrees). Otherwise it is an "irregular group of k"; a feature that
    shares with none is a "dedicated dimension" (the paper's words).

    Raises:
        ValueError: unless W is one finite matrix, or if the tolerance is not a finite number > 0.
    """
    tolerance = positive_number("tolerance", tolerance)
    return Counter(_group_name(W[:, group], tolerance) for group in feature_groups(W))


def geometry_name(W: Float[Tensor, "hidden features"], tolerance: float = 0.25) -> str:
    """``shape_counts`` in words: "2 digons", "digon + dedicated dimension", "pentagon", ..., or "nothing".

    Raises:
        ValueError: as ``shape_counts``.
    """
    counts = shape_counts(W, tolerance)
    order = sorted(counts, key=lambda name: (name == _ALONE, -counts[name], name))
    return " + ".join(_in_words(counts[name], name) for name in order) or "nothing"


_ALONE = "dedicated dimension"
# Octahedron, square and bipyramids are not here: they fall apart into orthogonal digons and polygons.
_NAMED = "digon, triangle, pentagon, hexagon, heptagon, octagon, tetrahedron, 5-cell, square antiprism, cube"


def _group_name(W: Float[Tensor, "hidden features"], tolerance: float) -> str:
    k = W.shape[1]
    if k == 1:
        return _ALONE
    cosines = _pair_cosines(W)
    for name, exact in _exact_cosines().items():
        if len(exact) == len(cosines) and (cosines - exact.to(W)).abs().max() < tolerance:
            return name
    return f"irregular group of {k}"


@functools.cache
def _exact_cosines() -> dict[str, Float[Tensor, " pairs"]]:
    return {name: _pair_cosines(polytope(name)) for name in _NAMED.split(", ")}


def _pair_cosines(W: Float[Tensor, "hidden features"]) -> Float[Tensor, " pairs"]:
    """The cosine of the angle between each two columns, in ascending order."""
    first, second = torch.triu_indices(W.shape[1], W.shape[1], offset=1)
    return _cosines(W)[first, second].sort().values


def _cosines(W: Float[Tensor, "hidden features"]) -> Float[Tensor, "features features2"]:
    return gram(W / feature_norms(W))


def _in_words(count: int, name: str) -> str:
    if count == 1:
        return name
    plural = name.replace("group", "groups") if name.startswith("irregular") else f"{name}s"
    return f"{count} {plural}"


def _one_number(name: str, value: float) -> float:
    if (shape := as_numbers(name, value).shape) != ():
        raise ValueError(f"expected {name} to be one number; got shape {tuple(shape)}")
    return float(value)
