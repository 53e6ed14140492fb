"""Exact polytopes to hold trained features against, and points that push each other apart on a sphere.

A polytope is given like W: shape ``(hidden, features)``, column i the i-th vertex, at distance 1 from the centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "POLYTOPES",
    "interference_energy",
    "polytope",
    "square_antiprism",
    "spread_on_sphere",
    "thomson_energy",
]


def polygon(k: int) -> Float[Tensor, "2 k"]:
    """k vertices, equally spaced on the unit circle."""
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    return torch.stack([angle.cos(), angle.sin()])


def simplex(k: int) -> Float[Tensor, "hidden k"]:
    """k vertices in k - 1 dimensions, all equally far from each other: digon, triangle, tetrahedron, 5-cell."""
    centred = torch.eye(k, dtype=torch.float64) - 1 / k
    along = torch.linalg.svd(centred).Vh[: k - 1]  # an orthonormal basis of the space they span
    return torch.nn.functional.normalize(along @ centred, dim=0)


def square_antiprism(height: float, twist: float = math.pi / 4) -> Float[Tensor, "3 8"]:
    """Two squares at ±height on the unit sphere, one turned by ``twist`` against the other (0 makes a prism).

    Raises:
        ValueError: if the height lies outside [0, 1].
    """
    if not 0 <= height <= 1:
        raise ValueError(f"expected a height in [0, 1]; got {height}")
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
    if name not in _MAKERS:
        raise ValueError(f"expected one of {', '.join(POLYTOPES)}; got {name!r}")
    return _MAKERS[name]()


def thomson_energy(points: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """Σ_{i<j} 1 / |P_i - P_j|: the energy of equal charges, which the Thomson problem minimises on the sphere."""
    i, j = torch.triu_indices(points.shape[-1], points.shape[-1], offset=1)
    return (1 / torch.linalg.vector_norm(points[..., i] - points[..., j], dim=-2)).sum(-1)


def interference_energy(points: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """Σ_{i≠j} ReLU(P_i · P_j)²: the interference that a ReLU at bias 0 lets through, for features of length 1."""
    cosine = points.mT @ points
    return cosine.relu().square().sum((-2, -1)) - torch.diagonal(cosine, dim1=-2, dim2=-1).square().sum(-1)


def spread_on_sphere(
    energy: Callable[[Tensor], Tensor], n_points: int, *, hidden: int = 3, restarts: int = 8, seed: int = 0
) -> Float[Tensor, "hidden n_points"]:
    """The arrangement of least ``energy`` on the unit sphere, the best of several random starts.

    ``energy`` maps points of shape ``(restarts, hidden, n_points)`` to one number a restart.
    """
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(restarts, hidden, n_points, generator=generator, dtype=torch.float64)
    free = start.requires_grad_()
    optimiser = torch.optim.LBFGS(
        [free], max_iter=1000, tolerance_grad=1e-10, tolerance_change=1e-15, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = energy(torch.nn.functional.normalize(free, dim=-2)).sum()
        total.backward()
        return total

    optimiser.step(closure)
    points = torch.nn.functional.normalize(free.detach(), dim=-2)
    return points[energy(points).argmin()]
