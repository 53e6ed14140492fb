"""Time ``tms_utils.train`` against the loop the published replications use, side by side on one thread.

For four settings and three seeds, both loops train to their end; then both are judged on one large fixed
sample. The table gives the ratio of CPU times, and the ratio of losses per instance (mean of the seeds):
its geometric mean and its worst value. A full run takes two hours, nearly all of them in the
published loop, so every finished run is kept in ``_build/benchmark.json`` and an interrupted benchmark
goes on where it stopped (``--fresh`` starts again).
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from pathlib import Path
from statistics import geometric_mean, mean

import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss, train

KEPT = Path("_build/benchmark.json")
SWEEP = torch.tensor([1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001])
SETTINGS = {  # n, m, density of each instance, importance of feature i is base**i
    "intro": (5, 2, 20 ** -torch.linspace(0, 1, 10), 0.9),
    "sweep": (20, 5, SWEEP, 0.7),
    "wide": (80, 20, SWEEP, 0.9),
    "plateau": (200, 20, 20 ** -torch.linspace(0, 1, 20), 1.0),
}


def published_loop(n: int, m: int, density: torch.Tensor, importance: torch.Tensor, seed: int):
    """As published: two uniform draws, einsum, autograd, Adam at a constant 1e-3, 10,000 steps of 1,024 rows."""
    generator = torch.Generator().manual_seed(seed)
    instances = len(density)
    W = torch.empty(instances, n, m)
    W = torch.nn.Parameter(torch.nn.init.xavier_normal_(W, generator=generator))
    b = torch.nn.Parameter(torch.zeros(instances, n))
    optimiser = torch.optim.Adam([W, b], lr=1e-3)
    for _ in range(10_000):
        value = torch.rand(1024, instances, n, generator=generator)
        active = torch.rand(1024, instances, n, generator=generator) <= density[:, None]
        x = torch.where(active, value, 0.0)
        hidden = torch.einsum("bkn,knm->bkm", x, W)
        out = torch.relu(torch.einsum("bkm,knm->bkn", hidden, W) + b)
        loss = (importance * (x - out).square()).mean((0, 2)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return W.detach().mT.contiguous(), b.detach()


def course_loop(n: int, m: int, density: torch.Tensor, importance: torch.Tensor, seed: int):
    """``train`` with its defaults."""
    model = ToyModel(n, m, len(density), generator=torch.Generator().manual_seed(seed))
    train(model, SparseFeatures(n, density), importance, seed=seed, progress=False)
    return model.W.detach(), model.b.detach()


def run(loop, setting: str, seed: int) -> dict[str, float | list[float]]:
    """CPU seconds of one training, and the loss of each instance."""
    n, m, density, base = SETTINGS[setting]
    importance = base ** torch.arange(n)
    start = time.process_time()
    W, b = loop(n, m, density, importance, seed)
    seconds = time.process_time() - start
    model = ToyModel(n, m, len(density))
    model.load_state_dict({"W": W, "b": b})
    loss = estimate_loss(model, SparseFeatures(n, density), importance, batch_size=2**17, seed=12345)
    return {"seconds": seconds, "loss": loss.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "settings", nargs="*", default=list(SETTINGS), help=f"of {', '.join(SETTINGS)}; default: all"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    arguments = parser.parse_args()
    if unknown := set(arguments.settings) - set(SETTINGS):
        parser.error(f"expected settings of {', '.join(SETTINGS)}; got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)

    runs = json.loads(KEPT.read_text()) if KEPT.exists() and not arguments.fresh else {}
    for setting in arguments.settings:
        for seed in range(arguments.seeds):
            for loop in (course_loop, published_loop):
                key = f"{setting} {seed} {loop.__name__}"
                if key not in runs:
                    runs[key] = run(loop, setting, seed)
                    KEPT.parent.mkdir(exist_ok=True)
                    KEPT.write_text(json.dumps(runs))
                    print(f"{key}: {runs[key]['seconds']:.1f} s", flush=True)
    print(f"\n{platform.machine()}, torch {torch.__version__}, one thread, {arguments.seeds} seeds")
    print("| setting | published loop | `train` | times sooner | loss ratio, mean | worst instance |")
    print("|---|---|---|---|---|---|")
    speeds, losses = [], []
    for setting in arguments.settings:
        ours, published = (
            [runs[f"{setting} {seed} {loop.__name__}"] for seed in range(arguments.seeds)]
            for loop in (course_loop, published_loop)
        )
        seconds = [mean(r["seconds"] for r in loop) for loop in (ours, published)]
        mean_loss = [torch.tensor([r["loss"] for r in loop]).mean(0) for loop in (ours, published)]
        ratios = (mean_loss[0] / mean_loss[1]).tolist()
        speeds.append(seconds[1] / seconds[0])
        losses += ratios
        print(
            f"| {setting} | {seconds[1]:.1f} s | {seconds[0]:.2f} s | {speeds[-1]:.0f} | "
            f"{geometric_mean(ratios):.3f} | {max(ratios):.3f} |"
        )
    print(
        f"| **all** (geometric mean) | | | **{geometric_mean(speeds):.0f}** | **{geometric_mean(losses):.3f}** "
        f"| {max(losses):.3f} |"
    )
    print(f"Peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
