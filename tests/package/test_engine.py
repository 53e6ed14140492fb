"""The quick ways of the engine against the plain ones."""

import itertools

import pytest
import torch

from tms_utils import KActiveFeatures, SparseFeatures, ToyModel, engine, theory

IMPORTANCE = 0.8 ** torch.arange(6).expand(3, 6)
DENSITY = torch.tensor([0.9, 0.3, 0.02])


def model(**kwargs) -> ToyModel:
    """Three models with a bias of both signs."""
    made = ToyModel(6, 3, 3, generator=1, **kwargs)
    made.b.data.copy_(0.3 * torch.randn(3, 6, generator=torch.Generator().manual_seed(2)))
    return made


def some_batches(features, count, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    made = itertools.islice(engine.batches(features, IMPORTANCE, size, generator), count)
    return [batch._replace(x=batch.x.clone()) for batch in made]  # a later one may be written over it


# The gradient ---------------------------------------------------------------------------------


@pytest.mark.parametrize("features", [SparseFeatures(6, DENSITY), KActiveFeatures(6, 2, 3)])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_the_written_gradient_is_autograds(tied, relu, features):
    toy = model(tied=tied, relu=relu)
    (batch,) = some_batches(features, 1)
    quick, plain = engine.WrittenOut(toy), engine.ByAutograd(toy)
    quick.set(batch)
    plain.set(batch)
    torch.testing.assert_close(quick.gradients[0], torch.cat([g.flatten() for g in plain.gradients]))
    torch.testing.assert_close(quick.loss(batch), plain.loss(batch).detach())


@pytest.mark.parametrize("name", ["W", "b"])
def test_weights_that_are_held_stay(name):
    toy = model()
    getattr(toy, name).requires_grad_(False)
    before = {key: value.clone() for key, value in toy.state_dict().items()}
    run = engine.WrittenOut(toy)
    adam = engine.Adam(run.weights, run.gradients, (0.9, 0.99))
    for batch in some_batches(SparseFeatures(6, DENSITY), 3):
        run.set(batch)
        adam.step(0.1)
    run.write_back()
    moved = {key for key, value in toy.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {"W", "b"} - {name}


def test_adam_is_torchs():
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(30, 7, generator=generator) * torch.logspace(-9, 3, 7)
    ours, theirs = torch.ones(7), torch.nn.Parameter(torch.ones(7))
    gradient = torch.zeros(7)
    adam = engine.Adam([ours], [gradient], betas=(0.9, 0.99))
    reference = torch.optim.Adam([theirs], betas=(0.9, 0.99), eps=1e-12)
    for step, value in enumerate(gradients, start=1):
        gradient.copy_(value)
        theirs.grad = value.clone()
        reference.param_groups[0]["lr"] = 0.1 / step
        adam.step(0.1 / step)
        reference.step()
    torch.testing.assert_close(ours, theirs.detach())


@pytest.mark.parametrize("density", [DENSITY, torch.tensor([1.0, 0.95, 0.9])])
def test_the_loss_of_a_batch_is_the_true_one_in_the_mean(density):
    """Some of these instances have empty rows, and in the second case none has many."""
    toy = model(relu=False)
    run = engine.WrittenOut(toy)
    losses = torch.stack([run.loss(batch) for batch in some_batches(SparseFeatures(6, density), 400)])
    exact = theory.linear_loss(toy.W.detach(), toy.b.detach(), density=density, importance=IMPORTANCE)
    error = (losses.mean(0) - exact) / (losses.std(0) / len(losses) ** 0.5)
    assert error.abs().max() < 4, error
    assert (losses.std(0) / exact).max() < 0.5  # so that four standard errors are a tenth at most


# Threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("work", "inside"), [(1, 1), (engine.WORK_FOR_THREADS, 2)])
def test_small_work_keeps_to_one_thread_and_the_setting_is_given_back(work, inside):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with engine.threads_for(work):
            assert torch.get_num_threads() == inside
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_setting_is_given_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(RuntimeError), engine.threads_for(1):
        raise RuntimeError
    assert torch.get_num_threads() == before
