"""Draw the pictures of the welcome page, the logo and the sharing card (`make figures`).

Each panel trains 64 models that differ in nothing but their seed, and shows the one with the
lowest loss. How many of the seeds keep as many features stands below each panel.
"""

import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from torch import Tensor

from tms_utils.features import SparseFeatures
from tms_utils.models import ToyModel
from tms_utils.plotting import PALETTE
from tms_utils.training import estimate_loss, train

ASSETS = Path(__file__).resolve().parent.parent / "book" / "assets"
DENSITIES = (1.0, 0.6, 0.3, 0.05)
SEEDS = 64
KEPT = 0.5  # a feature is kept if its norm exceeds this
IMPORTANCE = 0.9 ** torch.arange(5)

PAGES = {
    "light": {"ink": "#1f2328", "faint": "#5b6470", "line": "#c9ced6"},
    "dark": {"ink": "#e8eaed", "faint": "#9aa3af", "line": "#4b5563"},
}


def best_of_seeds(density: float) -> tuple[Tensor, int, int]:
    """Train `SEEDS` models of five features in two dimensions; return the best one's W.

    Also returns how many features that model keeps, and how many seeds keep as many.
    """
    features = SparseFeatures(5, torch.full((SEEDS,), density))
    generator = torch.Generator().manual_seed(0)
    model = ToyModel(5, 2, SEEDS, generator=generator)
    train(model, features, IMPORTANCE, progress=False)
    loss = estimate_loss(model, features, IMPORTANCE)
    kept = (model.W.detach().norm(dim=1) > KEPT).sum(-1)
    best = int(loss.argmin())
    return model.W.detach()[best], int(kept[best]), int((kept == kept[best]).sum())


def upright(W: Tensor) -> Tensor:
    """Rotate, and if need be mirror, W so that feature 0 points up and its neighbour to the right.

    The loss does not change under either.
    """
    angle = math.pi / 2 - math.atan2(W[1, 0], W[0, 0])
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    W = rotation @ W
    return W * torch.tensor([[-1.0 if W[0, 1] < 0 else 1.0], [1.0]])


def draw_features(ax: Axes, W: Tensor, page: str, size: float = 1.0) -> Axes:
    """Draw each column of W, `(2, 5)`, as an arrow with its number at the tip."""
    look = PAGES[page]
    reach = 1.55
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.axis("off")
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color=look["line"], lw=1.2 * size, ls=(0, (3, 3))))
    for i, (x, y) in enumerate(W.T.tolist()):
        colour = PALETTE[i]
        length = math.hypot(x, y)
        if length < KEPT:
            continue
        ax.annotate(
            "",
            (x, y),
            (0, 0),
            arrowprops={
                "arrowstyle": "-|>,head_width=0.28,head_length=0.5",
                "lw": 2.6 * size,
                "color": colour,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 14 * size,
            },
        )
        place = (length + 0.24) / length
        ax.text(
            x * place, y * place, str(i),
            color=look["ink"], fontsize=11 * size, weight="bold", ha="center", va="center",
        )  # fmt: skip
    ax.plot(0, 0, "o", color=look["ink"], ms=3.5 * size)
    return ax


def draw_panel(density: float, model: tuple[Tensor, int, int], page: str) -> plt.Figure:
    """The feature directions of the best model at `density`, and how common such a model is."""
    W, kept, seeds = model
    fig = plt.figure(figsize=(2.6, 3.25))
    ax = draw_features(fig.add_axes((0, 0.17, 1, 0.72)), upright(W), page, size=0.9)
    share = "always on" if density == 1 else f"on {density:.0%} of the time"
    ax.set_title(share, color=PAGES[page]["ink"], fontsize=14, pad=6)
    ax.text(
        0, -1.62, f"{kept} features kept\nin {seeds} of {SEEDS} seeds",
        color=PAGES[page]["faint"], fontsize=12, ha="center", va="top", linespacing=1.3,
    )  # fmt: skip
    return fig


def draw_card(W: Tensor) -> plt.Figure:
    """The picture that is shown where somebody shares a link to the book."""
    fig = plt.figure(figsize=(12, 6.3), facecolor="#10151d")
    draw_features(fig.add_axes((0.52, 0.02, 0.5, 0.96)), upright(W), "dark", size=2.4)
    fig.text(0.06, 0.62, "Toy Models of\nSuperposition", color="white", fontsize=44, weight="bold",
             va="center", linespacing=1.2)  # fmt: skip
    fig.text(0.06, 0.33, "A course in executable chapters:\nhow a network stores more features\n"
             "than it has dimensions", color="#c3cad4", fontsize=21, va="center", linespacing=1.4)  # fmt: skip
    return fig


def logo(size: int = 64) -> str:
    """Five arrows in a plane, as SVG. The mid-tones stand out on a light and on a dark page."""
    centre, reach = size / 2, size * 0.42
    shapes = []
    for i, colour in enumerate(PALETTE[:5]):
        angle = math.radians(-90 + 72 * i)
        dx, dy = math.cos(angle), math.sin(angle)
        stem = reach * 0.72
        left, right = (-dy * size * 0.075, dx * size * 0.075), (dy * size * 0.075, -dx * size * 0.075)
        corners = " ".join(
            f"{centre + x:.1f},{centre + y:.1f}"
            for x, y in (
                (dx * reach, dy * reach),
                (dx * stem * 0.9 + left[0], dy * stem * 0.9 + left[1]),
                (dx * stem * 0.9 + right[0], dy * stem * 0.9 + right[1]),
            )
        )
        shapes.append(
            f'<line x1="{centre}" y1="{centre}" x2="{centre + dx * stem:.1f}" y2="{centre + dy * stem:.1f}" '
            f'stroke="{colour}" stroke-width="{size * 0.06:.1f}"/><polygon points="{corners}" fill="{colour}"/>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" role="img">'
        f"<title>Toy Models of Superposition</title>{''.join(shapes)}</svg>\n"
    )


def main() -> int:
    torch.set_num_threads(1)
    matplotlib.rcParams.update({"svg.hashsalt": "tms", "svg.fonttype": "path"})
    models = [best_of_seeds(density) for density in DENSITIES]
    for density, model in zip(DENSITIES, models, strict=True):
        _, kept, seeds = model
        print(f"density {density:4}: the best of {SEEDS} seeds keeps {kept} features, as do {seeds} in all")
        for page in PAGES:
            fig = draw_panel(density, model, page)
            name = f"welcome-{kept}-{page}.svg"
            fig.savefig(ASSETS / name, transparent=True, metadata={"Date": None})
            plt.close(fig)
    draw_card(models[-1][0]).savefig(ASSETS / "card.png", dpi=100, metadata={"Software": None})
    (ASSETS / "logo.svg").write_text(logo(), encoding="utf-8")
    (ASSETS / "favicon.svg").write_text(logo(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
