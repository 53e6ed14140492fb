"""Calls that are recorded and replayed. What needs a GPU says so; how calls are counted is tested without one."""

import itertools

import pytest
import torch

from tms_utils import KActiveFeatures, SparseFeatures, ToyModel, batches, engine, estimate_loss, replay, train

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DENSITY = torch.tensor([0.9, 0.3, 0.02])


def made(n_features: int = 6, device: str = "cuda", **kwargs) -> ToyModel:
    return ToyModel(n_features, 2, 3, generator=1, **kwargs).to(device)


def trained(model: ToyModel, features=None, **options):
    """The model after some steps, and its record."""
    features = features or SparseFeatures(model.n_features, DENSITY)
    record = train(model, features, **{"steps": 40, "batch_size": 64, "progress": False} | options)
    return model, record


@pytest.fixture
def step_by_step(monkeypatch: pytest.MonkeyPatch):
    """``train`` on a GPU without records, and with the course's own Adam."""

    def train_so(*args, **options):
        with monkeypatch.context() as patch:
            patch.setattr(replay, "Replayed", lambda function, *_: function)
            patch.setattr(replay, "FusedAdam", engine.Adam)
            return trained(*args, **options)

    return train_so


# How calls are counted ------------------------------------------------------------------------


class Recording:
    """In place of a CUDA graph: replaying it is noted."""

    def __init__(self, place: int, log: list[str]):
        self.place, self.log = place, log

    def replay(self) -> None:
        self.log.append(f"replay {self.place}")


def test_a_call_is_made_then_recorded_then_replayed_at_its_place_in_the_round(monkeypatch):
    log, count = [], itertools.count()
    monkeypatch.setattr(
        replay.Replayed, "_record", lambda self: (Recording(len(self.recorded), log), self.function())
    )
    call = replay.Replayed(lambda: next(count), torch.device("cpu"), period=3)
    assert [call() for _ in range(12)] == [0, 1, 2, 3, 4, 5, 3, 4, 5, 3, 4, 5]
    assert log == [f"replay {place}" for place in (0, 1, 2) * 3]


@pytest.mark.parametrize("n_features", [6, 40])
@pytest.mark.parametrize("at_once", [1, 3, 8])
def test_batches_lie_in_the_same_memory_a_round_later(n_features, at_once, monkeypatch):
    features = SparseFeatures(n_features, 0.1)
    monkeypatch.setitem(batches.AT_ONCE, "cpu", at_once * n_features * 64)
    length = batches.round_of(features, 64)
    assert length == {1: 8, 3: 9, 8: 8}[at_once]
    drawn = batches.batches(features, torch.ones(1, n_features), 64, torch.Generator().manual_seed(0))
    places = [[t.data_ptr() for t in next(drawn)] for _ in range(3 * length)]
    assert places[:length] == places[length : 2 * length] == places[2 * length :]


def test_adams_pieces_share_the_tables_memory():
    for table in (torch.zeros(3 * replay.PIECE + 1), torch.zeros(2, 5), torch.zeros(())):
        for piece in replay.FusedAdam.pieces(table):
            piece += 1
        assert (table == 1).all()


# On a GPU -------------------------------------------------------------------------------------


@ON_GPU
@pytest.mark.parametrize("at_once", [1, 3, 8])
@pytest.mark.parametrize(
    "kwargs", [{}, {"n_features": 40}, {"tied": False}, {"relu": False}, {"bias": False}], ids=str
)
def test_replayed_steps_are_the_steps_that_were_recorded(kwargs, at_once, step_by_step, monkeypatch):
    n = kwargs.get("n_features", 6)
    monkeypatch.setitem(batches.AT_ONCE, "cuda", at_once * 3 * n * 64)
    (quick, record), (plain, wanted) = (
        way(made(**kwargs), record_weights=True) for way in (trained, step_by_step)
    )
    torch.testing.assert_close(record.loss, wanted.loss, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(record.W, wanted.W, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(quick.b, plain.b, rtol=1e-3, atol=1e-4)


@ON_GPU
@pytest.mark.parametrize("features", [SparseFeatures(6, 0.99), KActiveFeatures(6, 2, 3)], ids=["dense", "k"])
def test_other_features_train_as_step_by_step(features, step_by_step):
    quick, plain = (way(made(), features)[0] for way in (trained, step_by_step))
    torch.testing.assert_close(quick.W, plain.W, rtol=1e-3, atol=1e-4)


@ON_GPU
def test_double_precision_and_modules_of_ones_own_train(step_by_step):
    quick, plain = (way(made().double())[0] for way in (trained, step_by_step))
    torch.testing.assert_close(quick.W, plain.W, rtol=1e-5, atol=1e-6)

    class Own(ToyModel):
        def decode(self, h):
            return torch.sigmoid(super().decode(h))

    quick, plain = (way(Own(6, 2, 3, generator=1).to("cuda"))[0] for way in (trained, step_by_step))
    torch.testing.assert_close(quick.W, plain.W, rtol=1e-3, atol=1e-4)


@ON_GPU
def test_a_seed_gives_the_same_training_and_leaves_the_readers_random_numbers_alone():
    torch.manual_seed(3)
    wanted = torch.rand(4, device="cuda")
    torch.manual_seed(3)
    first, second, other = (trained(made(), steps=300, seed=seed)[0].W for seed in (5, 5, 6))
    assert torch.equal(torch.rand(4, device="cuda"), wanted)
    torch.testing.assert_close(first, second)
    assert (first - other).abs().max() > 1e-3


@ON_GPU
def test_a_gpu_ends_where_the_cpu_does():
    features, losses = SparseFeatures(5, 0.1), []
    for device in ("cpu", "cuda"):
        model = ToyModel(5, 2, 400, generator=0)
        train(model, features, device=device, progress=False)
        losses.append(estimate_loss(model.to("cpu"), features, batch_size=2**12).mean())
    assert abs(losses[1] / losses[0] - 1) < 0.02


@ON_GPU
@pytest.mark.parametrize(("n", "m", "instances", "lr"), [(10_000, 500, 20, 1e-3), (5, 2, 100_000, 0.02)])
def test_many_features_and_many_models_fit(n, m, instances, lr):
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    features = SparseFeatures(n, 5 / n)
    model = ToyModel(n, m, instances, generator=0)
    before = estimate_loss(model.to("cuda"), features, batch_size=2**10).mean()
    train(model, features, steps=200, lr=lr, progress=False)
    assert estimate_loss(model, features, batch_size=2**10).mean() < before
    assert torch.cuda.max_memory_allocated() < 8e9
