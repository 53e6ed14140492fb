"""Time ``tms_utils.train`` against the loop that the published replications use, side by side.

For four settings and three seeds, both loops train to their end; then both are judged on one large fixed
sample. The table gives the ratio of times, the ratio of losses per instance (mean of the seeds) as its
geometric mean and its worst value, and how many times longer ``train`` takes than its *limit*: one random number
an entry and the five products of matrices, and nothing else. A full run on the CPU takes two hours, nearly all
of them in the published loop, so every finished run is kept in ``_build/benchmark-DEVICE.json`` and an
interrupted benchmark goes on where it stopped (``--fresh`` starts again).

``--busy`` times the first chapter alone and beside two processes that keep two cores busy, instead.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import time
from pathlib import Path
from statistics import geometric_mean, mean

import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss, train
from tms_utils.replay import Replayed

SWEEP = torch.tensor([1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001])
SETTINGS = {  # n, m, density of each instance, importance of feature i is base**i
    "intro": (5, 2, 20 ** -torch.linspace(0, 1, 10), 0.9),
    "sweep": (20, 5, SWEEP, 0.7),
    "wide": (80, 20, SWEEP, 0.9),
    "plateau": (200, 20, 20 ** -torch.linspace(0, 1, 20), 1.0),
}


STEPS, BATCH = 2000, 128  # train's own


def published_loop(
    n: int,
    m: int,
    density: torch.Tensor,
    importance: torch.Tensor,
    seed: int,
    device: str,
    steps: int = 10_000,
):
    """As published: two uniform draws, einsum, autograd, Adam at a constant 1e-3, 10,000 steps of 1,024 rows."""
    generator = torch.Generator(device).manual_seed(seed)
    instances, density = len(density), density.to(device)
    W = torch.empty(instances, n, m, device=device)
    W = torch.nn.Parameter(torch.nn.init.xavier_normal_(W, generator=generator))
    b = torch.nn.Parameter(torch.zeros(instances, n, device=device))
    importance = importance.to(device)
    optimiser = torch.optim.Adam([W, b], lr=1e-3)
    for _ in range(steps):
        value = torch.rand(1024, instances, n, generator=generator, device=device)
        active = torch.rand(1024, instances, n, generator=generator, device=device) <= density[:, None]
        x = torch.where(active, value, 0.0)
        hidden = torch.einsum("bkn,knm->bkm", x, W)
        out = torch.relu(torch.einsum("bkm,knm->bkn", hidden, W) + b)
        loss = (importance * (x - out).square()).mean((0, 2)).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return W.detach().mT.cpu(), b.detach().cpu()


def course_loop(n: int, m: int, density: torch.Tensor, importance: torch.Tensor, seed: int, device: str):
    """``train`` with its defaults."""
    model = ToyModel(n, m, len(density), generator=seed)
    train(model, SparseFeatures(n, density), importance, seed=seed, device=device, progress=False)
    return model.W.detach().cpu(), model.b.detach().cpu()


def clock(device: str) -> float:
    """Seconds: of the processor's time, or of the time on the wall where a GPU works beside it."""
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def run(loop, setting: str, seed: int, device: str) -> dict[str, float | list[float]]:
    """Seconds of one training, and the loss of each instance."""
    n, m, density, base = SETTINGS[setting]
    importance = base ** torch.arange(n)
    start = clock(device)
    W, b = loop(n, m, density, importance, seed, device)
    seconds = clock(device) - start
    model = ToyModel.with_weights(W, b)
    loss = estimate_loss(model, SparseFeatures(n, density), importance, batch_size=2**17, seed=12345)
    return {"seconds": seconds, "loss": loss.tolist()}


def warm_up(device: str) -> None:
    """A process loads the GPU's kernels when it first uses them, and that is no loop's fault."""
    n, m, density, base = SETTINGS["intro"]
    importance = base ** torch.arange(n)
    course_loop(n, m, density, importance, 0, device)
    published_loop(n, m, density, importance, 0, device, steps=20)


def limit(setting: str, device: str, steps: int = 100) -> float:
    """Seconds that the random numbers and the products of matrices of a whole training take, and nothing else."""
    n, m, density, _ = SETTINGS[setting]
    x, W, h = (torch.rand(len(density), *size, device=device) for size in ((n, BATCH), (m, n), (m, BATCH)))
    out, dW = torch.empty_like(x), torch.empty_like(W)

    def step() -> None:
        torch.rand(x.shape, device=device, out=x)
        torch.bmm(W, x, out=h)
        torch.bmm(W.mT, h, out=out)
        torch.bmm(W, out, out=h)
        torch.bmm(h, out.mT, out=dW)
        torch.bmm(h, x.mT, out=dW)

    if device != "cpu":
        step = Replayed(step, torch.device(device))
    times = []
    for _ in range(5):
        start = clock(device)
        for _ in range(steps):
            step()
        times.append(clock(device) - start)
    return min(times) / steps * STEPS


def spin() -> None:
    """Keep a core busy until somebody ends this process; as a stranger, whose share of the machine is his own."""
    os.setsid()
    while True:
        sum(range(10_000))


def busy() -> None:
    """The first chapter alone, and beside two busy processes; it should take at most 2.5 times as long."""
    import chapter

    import notebooks

    seconds = []
    for neighbours in (0, 2):
        processes = [multiprocessing.Process(target=spin, daemon=True) for _ in range(neighbours)]
        for process in processes:
            process.start()
        first = next(one for one in chapter.all_chapters() if one.number == 1)
        seconds.append(notebooks.execute(first.notebook, first.path.parent))
        for process in processes:
            process.terminate()
    print(f"chapter 1: {seconds[0]:.0f} s alone, {seconds[1]:.0f} s beside two busy processes: "
          f"{seconds[1] / seconds[0]:.1f} times (the bar: 2.5)")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "settings", nargs="*", default=list(SETTINGS), help=f"of {', '.join(SETTINGS)}; default: all"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu (one thread) or cuda")
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--busy", action="store_true", help="time a chapter on a busy machine instead")
    arguments = parser.parse_args()
    if unknown := set(arguments.settings) - set(SETTINGS):
        parser.error(f"expected settings of {', '.join(SETTINGS)}; got {', '.join(sorted(unknown))}")
    if arguments.busy:
        return busy()
    device = arguments.device
    torch.set_num_threads(1)
    if device != "cpu":
        warm_up(device)

    file = Path(f"_build/benchmark-{device}.json")
    runs = json.loads(file.read_text()) if file.exists() and not arguments.fresh else {}
    for setting in arguments.settings:
        for seed in range(arguments.seeds):
            for loop in (course_loop, published_loop):
                key = f"{setting} {seed} {loop.__name__}"
                if key not in runs:
                    runs[key] = run(loop, setting, seed, device)
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(json.dumps(runs))
                    print(f"{key}: {runs[key]['seconds']:.2f} s", flush=True)
    where = platform.machine() + ", one thread" if device == "cpu" else torch.cuda.get_device_name()
    print(f"\n{where}, torch {torch.__version__}, {arguments.seeds} seeds")
    print(
        "| setting | published loop | `train` | times sooner | times its limit | loss ratio | worst density |"
    )
    print("|---|---|---|---|---|---|---|")
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
            f"| {setting} | {seconds[1]:,.1f} s | {seconds[0]:.2f} s | {speeds[-1]:.0f} | "
            f"{seconds[0] / limit(setting, device):.1f} | {geometric_mean(ratios):.3f} | {max(ratios):.3f} |"
        )
    print(
        f"| **all** (geometric mean) | | | **{geometric_mean(speeds):.0f}** | | **{geometric_mean(losses):.3f}** "
        f"| {max(losses):.3f} |"
    )
    print(f"Peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    return None


if __name__ == "__main__":
    main()
