"""The quick ways of the engine against the plain ones."""

import itertools

import pytest
import torch

from tms_utils import KActiveFeatures, SparseFeatures, ToyModel, engine, theory
from tms_utils.features import given_first

IMPORTANCE = 0.8 ** torch.arange(6).expand(3, 6)
DENSITY = torch.tensor([0.9, 0.3, 0.02])


def model(**kwargs) -> ToyModel:
    """Three models with a bias of both signs."""
    made = ToyModel(6, 3, 3, generator=1, **kwargs)
    made.b.data.copy_(0.3 * torch.randn(3, 6, generator=torch.Generator().manual_seed(2)))
    return made


def some_batches(features, count, size=64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return list(itertools.islice(engine.batches(features, IMPORTANCE, size, generator), count))


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


# The batches ----------------------------------------------------------------------------------


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


def test_a_batch_has_no_empty_row_where_its_cost_is_written_down():
    batches = some_batches(SparseFeatures(6, DENSITY), 9)
    assert all((batch.x > 0).any(1).all() for batch in batches)
    share = torch.stack([batch.empty[:, 0, 0] for batch in batches])
    expected = (1 - DENSITY) ** 6 / 6
    torch.testing.assert_close(share, expected.expand(9, 3))


@pytest.mark.parametrize("density", [torch.tensor([0.3]), torch.tensor([0.9])])
def test_features_are_on_as_often_as_they_should_and_apart(density):
    features = SparseFeatures(6, density)
    importance = torch.ones(1, 6)
    generator = torch.Generator().manual_seed(4)
    drawn = itertools.islice(engine.batches(features, importance, 500, generator), 400)
    x = torch.cat([batch.x[0] for batch in drawn], dim=1)
    some = 1 - (1 - density) ** 6 if density < 0.5 else torch.ones(1)
    on = (x > 0).float() * some.sqrt()  # as if the empty rows were there: P(both) is a product
    both = on @ on.T / x.shape[1]
    wanted = torch.full((6, 6), density.item() ** 2) + torch.eye(6) * (density - density**2)
    assert (both - wanted).abs().max() < 0.006
    values = x[0][x[0] > 0].sort().values
    uniform = torch.linspace(0, 1, len(values))
    assert (values - uniform).abs().max() < 0.01  # Kolmogorov and Smirnov's distance


def test_turned_tables_are_uniform_and_pairwise_independent():
    generator = torch.Generator().manual_seed(5)
    pairs = []
    for _ in range(300):
        u = torch.rand(2, 3, 64, generator=generator)
        pairs.append(torch.stack([u, *engine.turned(u, 2, generator)]))
    tables = torch.cat(pairs, dim=-1)  # (u and two turns of it, instances, features, 300 * 64)
    assert ((tables >= 0) & (tables < 1)).all()
    for a, b in itertools.combinations(range(3), 2):
        high = (tables > 0.7).float()
        together = (high[a] * high[b]).mean(-1)
        assert (together - 0.09).abs().max() < 0.03


def test_rows_given_their_first_feature_are_those_that_rejection_gives():
    features = SparseFeatures(4, torch.tensor([[0.5, 0.2, 0.9, 0.4]]))
    first = torch.full((1, 40_000), 1)
    x = given_first(
        torch.rand(1, 4, 40_000, generator=torch.Generator().manual_seed(6)), first, features.density
    )
    plain = features.sample(400_000, 7)[0]
    plain = plain[(plain[:, 0] == 0) & (plain[:, 1] > 0)].T
    assert (x[0, 0] == 0).all()
    torch.testing.assert_close(x[0].mean(-1), plain.mean(-1), atol=0.01, rtol=0)
    torch.testing.assert_close(torch.cov(x[0, 1:]), torch.cov(plain[1:]), atol=0.005, rtol=0)


def test_many_features_need_no_table_of_their_pairs():
    x, weight = SparseFeatures(100_000, 1e-4).sample_weighted(3, 0)  # such a table would hold 80 GB
    assert x.shape == (1, 3, 100_000)
    torch.testing.assert_close(weight.sum(), torch.tensor(1.0))


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
