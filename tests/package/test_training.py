"""The training loop: its gradient, its record, its seeds, and that instances never see each other."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils import Features, SparseFeatures, ToyModel, estimate_loss, train
from tms_utils.training import has_written_gradient, learning_rate


class SlowToyModel(ToyModel):
    """The same model with an answer of its own, which ``train`` therefore differentiates by autograd."""

    def forward(self, x):
        return super().forward(x)


class Recorded(Features):
    """Features that hand out given rows: ``data`` is (steps, instances, batch, features)."""

    def __init__(self, data):
        super().__init__(data.shape[-1], torch.ones(data.shape[1]))
        self.batches = iter(data)

    def sample(self, batch_size, generator=None):
        return next(self.batches)


def model(n_instances=1, *, kind=ToyModel, seed=0, **options):
    return kind(6, 3, n_instances, generator=seed, **options)


def run(trained, features=None, **options):
    options = {"steps": 25, "batch_size": 16, "progress": False} | options
    return train(trained, features or SparseFeatures(6, 0.3), **options)


def parameters(trained):
    return {name: p.detach() for name, p in trained.named_parameters()}


# The gradient -------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_training_agrees_with_autograd(tied, relu, bias):
    options = {"tied": tied, "relu": relu, "bias": bias}
    fast, slow = model(3, **options), model(3, kind=SlowToyModel, **options)
    importance = 0.8 ** torch.arange(6)
    # Fewer steps than it takes rounding to grow: at the ReLU's corner a sign can tip.
    records = [
        run(m, SparseFeatures(6, torch.tensor([0.1, 0.5, 1.0])), importance=importance, steps=8)
        for m in (fast, slow)
    ]
    torch.testing.assert_close(records[0].loss, records[1].loss, rtol=1e-3, atol=1e-6)
    for name, value in parameters(fast).items():
        torch.testing.assert_close(value, parameters(slow)[name], rtol=1e-3, atol=1e-4)
    assert fast.b.any() == bias


def test_one_step_moves_against_the_gradient_of_the_stated_loss():
    """Adam's first step is lr times the sign of the gradient of the mean of importance · (x' - x)²."""
    trained = model(2)
    before = {k: v.clone() for k, v in parameters(trained).items()}
    importance = torch.tensor([[1.0], [0.25]])
    x = SparseFeatures(6, 0.5).expand(2).sample(40, 3)
    loss = (importance[:, None] * (trained(x) - x) ** 2).mean((1, 2))
    gradient = torch.autograd.grad(loss.sum(), list(trained.parameters()))
    record = train(trained, Recorded(x[None]), importance, steps=1, batch_size=40, lr=1e-3, progress=False)
    torch.testing.assert_close(record.loss[0], loss.detach())
    for (name, after), g in zip(trained.named_parameters(), gradient, strict=True):
        moved = after.detach() - before[name]
        clear = g.abs() > 1e-6
        torch.testing.assert_close(moved[clear], -1e-3 * g[clear].sign(), rtol=1e-2, atol=1e-7)


def test_a_subclass_keeps_the_written_gradient_until_it_changes_the_answer():
    Named = type("Named", (ToyModel,), {"name": "a ToyModel"})
    Doubled = type("Doubled", (ToyModel,), {"decoder": property(lambda self: 2 * self.W)})
    assert all(has_written_gradient(model(kind=kind)) for kind in (ToyModel, Named))
    assert not any(has_written_gradient(model(kind=kind)) for kind in (SlowToyModel, Doubled))
    assert not has_written_gradient(torch.nn.Linear(6, 6))


@pytest.mark.parametrize("name", ["forward", "hidden", "decode"])
def test_an_overridden_step_of_the_answer_is_what_is_trained(name):
    step = getattr(ToyModel, name)
    kind = type("Own", (ToyModel,), {name: lambda self, rows: step(self, rows) + 0.5})
    trained = model(kind=kind)
    x = SparseFeatures(6, 0.3).sample(40, 0)
    gradient = torch.autograd.grad((trained(x) - x).square().mean(), trained.W)[0]
    run(trained, Recorded(x[None]), steps=1, batch_size=40)
    torch.testing.assert_close(trained.W.grad, gradient)


def test_a_parametrised_weight_is_trained_by_autograd():
    class Halved(torch.nn.Module):
        def forward(self, W):
            return W / 2

    trained = model()
    torch.nn.utils.parametrize.register_parametrization(trained, "W", Halved())
    assert not has_written_gradient(trained)
    before = trained.W.detach().clone()
    run(trained)
    assert not torch.equal(trained.W, before)


@pytest.mark.parametrize("kind", [ToyModel, SlowToyModel])
def test_a_model_in_double_precision_trains_in_it(kind):
    trained, features = model(2, kind=kind).double(), SparseFeatures(6, 0.3)
    before = estimate_loss(trained, features)
    record = run(trained, features, record_weights=True, steps=100)
    assert {record.loss.dtype, record.W.dtype, trained.W.dtype, before.dtype} == {torch.float64}
    assert (estimate_loss(trained, features) < before).all()


# Instances ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
def test_training_together_is_training_alone(tied):
    data = SparseFeatures(6, torch.tensor([0.2, 0.5, 0.9]))
    generator = torch.Generator().manual_seed(1)
    rows = torch.stack([data.sample(16, generator) for _ in range(20)])
    together = model(3, tied=tied)
    alone = []
    for k in range(3):
        one = model(1, tied=tied)
        for name, p in one.named_parameters():
            p.data = parameters(together)[name][k : k + 1].clone()
        alone.append(one)
    run(together, Recorded(rows), steps=20)
    for k, one in enumerate(alone):
        run(one, Recorded(rows[:, k : k + 1]), steps=20)
        for name, value in parameters(one).items():
            torch.testing.assert_close(value[0], parameters(together)[name][k], rtol=1e-4, atol=1e-5)


def test_an_instance_does_not_feel_what_another_is_shown():
    rows = torch.rand(10, 2, 16, 6, generator=torch.Generator().manual_seed(2))
    changed = rows.clone()
    changed[:, 1] = 0
    first, second = model(2), model(2)
    run(first, Recorded(rows), steps=10)
    run(second, Recorded(changed), steps=10)
    assert torch.equal(first.W[0], second.W[0])
    assert not torch.equal(first.W[1], second.W[1])


# Record and seeds ---------------------------------------------------------------------------


def test_the_record_has_the_shapes_that_it_promises():
    record = run(model(4), steps=25, record_every=10, record_weights=True)
    assert record.step.tolist() == [0, 10, 20, 24]
    assert record.loss.shape == (4, 4)
    assert record.W.shape == (4, 4, 3, 6)
    assert record.b.shape == (4, 4, 6)
    assert not torch.equal(record.W[0], record.W[-1]), "the records share their memory"
    assert not record.loss.requires_grad


def test_the_first_recorded_weights_are_those_of_the_recorded_loss():
    trained = model(1)
    start = trained.W.detach().clone()
    record = run(trained, steps=3, record_every=1, record_weights=True)
    assert torch.equal(record.W[0], start)


def test_by_default_about_a_hundred_losses_and_no_weights_are_kept():
    record = run(model(1), steps=250)
    assert 100 <= len(record.step) <= 130
    assert record.step[-1] == 249
    assert record.W is None
    assert record.b is None


def test_the_seed_alone_decides_and_the_global_state_is_left_alone():
    state = torch.get_rng_state()
    first, again, other = model(2), model(2), model(2)
    run(first, seed=4)
    run(again, seed=4)
    run(other, seed=5)
    assert torch.equal(first.W, again.W)
    assert not torch.equal(first.W, other.W)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("kind", [np.int64, torch.tensor])
def test_whole_numbers_of_any_kind_are_taken(kind):
    numbers = {"seed": 4, "steps": 6, "batch_size": 8, "record_every": 2}
    plain, other = model(2), model(2)
    run(plain, **numbers)
    run(other, **{name: kind(value) for name, value in numbers.items()})
    assert torch.equal(plain.W, other.W)
    losses = [estimate_loss(plain, SparseFeatures(6, 0.5), batch_size=k(64), seed=k(3)) for k in (int, kind)]
    assert torch.equal(*losses)


class Interrupted(SparseFeatures):
    """Somebody presses Ctrl-C after some draws."""

    def __init__(self, *args, after):
        super().__init__(*args)
        self.draws = iter(range(after))

    def sample_weighted(self, batch_size, generator=None):
        if next(self.draws, None) is None:
            raise KeyboardInterrupt
        return super().sample_weighted(batch_size, generator)


def test_an_interrupted_training_leaves_its_last_state():
    stopped, whole = model(2), model(2)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, Interrupted(6, 0.3, after=7), steps=20)
    record = run(whole, Interrupted(6, 0.3, after=20), steps=20, record_every=1, record_weights=True)
    assert torch.equal(stopped.W, record.W[7])
    assert torch.equal(stopped.b, record.b[7])


def test_training_lowers_the_loss():
    trained = model(5)
    features = SparseFeatures(6, 0.1)
    before = estimate_loss(trained, features)
    run(trained, features, steps=300)
    assert (estimate_loss(trained, features) < 0.5 * before).all()


def test_a_plain_module_trains_too():
    class Scale(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = torch.nn.Parameter(torch.zeros(2, 1, 1))

        def forward(self, x):
            return self.factor * x

    trained = Scale()
    train(trained, SparseFeatures(3, torch.tensor([0.2, 0.9])), steps=400, lr=0.1, progress=False)
    assert trained.factor.flatten().tolist() == pytest.approx([1, 1], abs=0.02)


def test_progress_can_be_silenced_and_short_training_says_nothing(capsys):
    run(model(1))
    run(model(1), progress=True)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_long_training_shows_a_bar_unless_told_not_to(capsys, monkeypatch):
    """tqdm waits two seconds; pretend that they are over."""
    import tms_utils.training as training

    real = training.tqdm
    shown = {"disable": False}  # whatever TQDM_DISABLE said when tqdm was imported
    monkeypatch.setattr(training, "tqdm", lambda *args, **kw: real(*args, **{**shown, **kw, "delay": 0}))
    run(model(1), progress=True)
    captured = capsys.readouterr()
    assert "training" in captured.out  # JupyterLab shows even an empty stderr as a red strip
    assert captured.err == ""
    run(model(1), progress=False)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


# The schedule -------------------------------------------------------------------------------


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.integers(1, 400), st.floats(1e-4, 10))
def test_the_learning_rate_warms_up_and_falls(steps, peak):
    rates = [learning_rate(step, steps, peak) for step in range(steps)]
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(peak)
    assert top + 1 == max(1, round(0.1 * steps))
    if steps > 50:
        assert rates[-1] < 0.01 * peak


# What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"importance": torch.ones(5)},
            r"broadcast against \(instances, features\) = \(2, 6\); got shape \(5,\)",
        ),
        ({"importance": torch.ones(3, 6)}, r"got shape \(3, 6\)"),
        ({"features": SparseFeatures(6, torch.ones(3))}, "1 or 2 instances.*got 3"),
        ({"features": SparseFeatures(7, 0.5)}, "features of the model's n_features = 6; got 7"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        run(model(2), **options)


def test_refused_training_leaves_the_model_as_it_was():
    trained = model(2)
    before = trained.W.detach().clone()
    with pytest.raises(ValueError, match="finite"):
        run(trained, importance=math.nan)
    assert torch.equal(trained.W, before)


@pytest.mark.parametrize(
    ("trained", "options", "message"),
    [
        (torch.nn.Linear(6, 6), {"record_weights": True}, "weights W and b to record; got Linear"),
        (torch.nn.Identity(), {}, "a model with weights to train; got Identity"),
        (ToyModel(6, 2).requires_grad_(False), {}, "a model with weights to train; got ToyModel"),
        (ToyModel(6, 2).half(), {}, "a model in float32 or float64; got torch.float16"),
    ],
)
def test_modules_that_cannot_be_trained_so_are_told_why(trained, options, message):
    with pytest.raises(ValueError, match=message):
        run(trained, **options)


def test_a_model_whose_answer_is_changed_by_hand_is_trained_as_it_answers():
    hooked, patched = model(2), model(2)
    hooked.register_forward_hook(lambda module, given, answer: 0.5 * answer)
    patched.decode = lambda h: 0.5 * ToyModel.decode(patched, h)
    assert not has_written_gradient(hooked)
    assert not has_written_gradient(patched)
    run(hooked)
    run(patched)
    torch.testing.assert_close(hooked.W, patched.W)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_features_are_drawn_where_the_model_is():
    features = SparseFeatures(6, 0.3)
    trained = model(2)
    run(trained, features, device="cuda")
    assert trained.W.device.type == "cuda"
    assert estimate_loss(trained, features).device.type == "cuda"
    run(trained, features.to("cuda"), device="cpu")
    assert estimate_loss(trained, features.to("cuda"), torch.ones(6, device="cuda")).device.type == "cpu"


def test_divergence_stops_training_by_name():
    trained = model(2)
    trained.W.data[1] = 1e30
    with pytest.raises(FloatingPointError, match="the loss of instance 1 is .* at step 0: training diverged"):
        run(trained)
    with pytest.raises(FloatingPointError, match=r"Try a smaller lr \(it was 1e\+20\)"):
        run(model(1), lr=1e20, record_every=1)


def test_divergence_between_two_records_is_noticed_at_the_next():
    with pytest.raises(FloatingPointError):
        run(model(1), lr=1e20, steps=30, record_every=10)
