"""ToyModel: its output, its gradients, its start, given weights, and that its instances never meet."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils.models import ToyModel

sizes = st.integers(1, 6)
seeds = st.integers(0, 10**6)
SWITCHES = list(itertools.product([True, False], repeat=3))
SWITCHES_2 = list(itertools.product([True, False], repeat=2))


def random_model(seed: int, n: int, m: int, instances: int, **switches: bool) -> ToyModel:
    """A model far from its start, in double precision, with a bias that matters."""
    generator = torch.Generator().manual_seed(seed)
    model = ToyModel(n, m, instances, generator=generator, **switches).double()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


def random_rows(seed: int, model: ToyModel, batch: int) -> torch.Tensor:
    shape = (model.n_instances, batch, model.n_features)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed + 1)).double()


@pytest.mark.parametrize(("tied", "relu", "bias"), SWITCHES)
def test_output_entry_by_entry(tied, relu, bias):
    """x'_j = ReLU(Σ_k V_kj Σ_i W_ki x_i + b_j), written as loops."""
    model = random_model(5, 4, 3, 2, tied=tied, relu=relu, bias=bias)
    x = random_rows(5, model, 6)
    out, W, b = model(x), model.W, model.b
    V = W if tied else model.V
    for a, r, j in itertools.product(range(2), range(6), range(4)):
        value = b[a, j] + sum(V[a, k, j] * sum(W[a, k, i] * x[a, r, i] for i in range(4)) for k in range(3))
        value = max(value, torch.zeros(())) if relu else value
        assert out[a, r, j].item() == pytest.approx(value.item(), abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(seed=seeds, n=sizes, m=sizes, instances=st.integers(1, 3), batch=sizes)
@pytest.mark.parametrize(("tied", "relu", "bias"), SWITCHES)
def test_set_gradients_equals_autograd(tied, relu, bias, seed, n, m, instances, batch):
    model = random_model(seed, n, m, instances, tied=tied, relu=relu, bias=bias)
    x = random_rows(seed, model, batch)
    cost = torch.rand(x.shape, generator=torch.Generator().manual_seed(seed + 2)).double()
    loss = (cost * (model(x) - x).square()).sum((1, 2))
    trained = [p for p in model.parameters() if p.requires_grad]
    expected = torch.autograd.grad(loss.sum(), trained)

    returned = model.set_gradients(x, cost)

    assert torch.allclose(returned, loss.detach(), atol=1e-10)
    for parameter, gradient in zip(trained, expected, strict=True):
        assert torch.allclose(parameter.grad, gradient, atol=1e-10)


@pytest.mark.parametrize(("tied", "relu"), SWITCHES_2)
def test_set_gradients_replaces_and_leaves_its_input_alone(tied, relu):
    model = random_model(9, 5, 2, 3, tied=tied, relu=relu)
    x = random_rows(9, model, 4)
    cost = torch.ones_like(x)
    model.set_gradients(x, cost)
    first, before = model.W.grad.clone(), x.clone()
    model.set_gradients(x, cost)
    assert torch.equal(model.W.grad, first)
    assert torch.equal(x, before)
    assert torch.equal(cost, torch.ones_like(x))


def test_without_bias_b_stays_zero_and_untrained():
    model = ToyModel(4, 2, bias=False)
    assert not model.b.requires_grad
    assert torch.equal(model.b, torch.zeros(1, 4))
    x = torch.rand(1, 3, 4)
    model.set_gradients(x, torch.ones_like(x))
    assert model.b.grad is None


@settings(deadline=None, max_examples=25)
@given(seed=seeds, tied=st.booleans(), relu=st.booleans())
def test_instances_do_not_see_each_other(seed, tied, relu):
    model = random_model(seed, 4, 2, 3, tied=tied, relu=relu)
    x = random_rows(seed, model, 5)
    before = model(x)
    with torch.no_grad():
        model.W[1] += 1
    after = model(x)
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    cost = torch.zeros_like(x)
    cost[2] = 1
    model.set_gradients(x, cost)
    assert model.W.grad[:2].abs().max() == 0
    assert model.b.grad[:2].abs().max() == 0


@pytest.mark.parametrize("instances", [1, 10, 300])
def test_scale_of_the_start_is_that_of_one_model(instances):
    """Xavier on the three-dimensional tensor would make it depend on the number of instances."""
    generator = torch.Generator().manual_seed(41)  # one for three models
    std = torch.cat([ToyModel(200, 20, instances, generator=generator).W.flatten() for _ in range(3)]).std()
    expected = 0.5 * (2 / 220) ** 0.5
    assert std.item() == pytest.approx(expected, rel=0.03)  # 12,000 numbers: 0.65 % is one standard error


def test_start_follows_the_generator_and_nothing_else():
    one, same, other = (ToyModel(6, 3, 4, generator=seed) for seed in (42, np.int64(42), 43))
    assert torch.equal(one.W, same.W)
    assert torch.equal(one.W, ToyModel(6, 3, 4, generator=torch.Generator().manual_seed(42)).W)
    assert not torch.equal(one.W, other.W)
    assert torch.equal(one.b, torch.zeros(4, 6))


def test_the_global_generator_is_left_alone_if_one_is_given():
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    ToyModel(6, 3, 4, generator=0)
    ToyModel.with_weights(torch.eye(3))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_sizes_and_decoder():
    model = ToyModel(7, 9, 2, tied=False)  # more hidden dimensions than features are allowed
    assert (model.n_features, model.n_hidden, model.n_instances) == (7, 9, 2)
    assert model.decoder is model.V
    assert ToyModel(7, 3).decoder.shape == (1, 3, 7)
    assert ToyModel(7, 3).V is None


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_the_switches_can_be_read(relu, bias):
    model = ToyModel(3, 2, relu=relu, bias=bias)
    assert (model.has_relu, model.has_bias, model.tied) == (relu, bias, True)


# From given weights -------------------------------------------------------------------------


def test_a_model_of_one_given_matrix():
    model = ToyModel.with_weights([[1, 0, -1]])
    assert (model.n_instances, model.n_hidden, model.n_features) == (1, 1, 3)
    assert model(torch.eye(3)[None]).tolist() == [[[1, 0, 0], [0, 0, 0], [0, 0, 1]]]
    assert model.b.requires_grad, "the bias starts at 0, and trains as any other"
    linear = ToyModel.with_weights([[1, 0, -1]], relu=False)
    assert linear(torch.eye(3)[None])[0, 0].tolist() == [1, 0, -1]


@pytest.mark.parametrize("untied", [True, False])
@pytest.mark.parametrize("rank", ["features", "one row", "instances"])
def test_a_model_of_many_given_matrices(untied, rank):
    W, V = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(1)).double()
    b = {"features": (5,), "one row": (1, 5), "instances": (4, 5)}[rank]
    b = torch.randn(b, generator=torch.Generator().manual_seed(2))
    model = ToyModel.with_weights(W, b, V=V if untied else None)
    assert model.tied is not untied
    x = torch.rand(4, 6, 5).double()
    expected = (x @ W.mT @ (V if untied else W) + b.expand(4, 5)[:, None]).relu()
    torch.testing.assert_close(model(x), expected)
    model.set_gradients(x, torch.ones_like(x))
    assert all(p.grad.dtype == torch.float64 for p in model.parameters())


def test_given_weights_are_copied():
    W, b = torch.eye(3, requires_grad=True), torch.zeros(3)
    model = ToyModel.with_weights(W, b)
    with torch.no_grad():
        model.W += 1
        model.b += 1
    assert torch.equal(W, torch.eye(3))
    assert torch.equal(b, torch.zeros(3))
    again = ToyModel.with_weights(model.W, model.b)
    assert torch.equal(again.W, model.W)
    assert again.W.is_leaf


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"W": torch.ones(3)}, r"W of shape \(hidden, features\) or .*; got \(3,\)"),
        ({"W": torch.ones(2, 0)}, r"got \(2, 0\)"),
        ({"W": torch.ones(1, 1, 1, 1)}, r"got \(1, 1, 1, 1\)"),
        ({"W": torch.full((2, 3), torch.nan)}, "W to be finite numbers; got nan"),
        ({"W": "weights"}, "W to be numbers; got 'weights'"),
        ({"b": torch.ones(2)}, r"b of shape \(features,\) = \(3,\) or .* = \(1, 3\); got \(2,\)"),
        ({"b": torch.ones(2, 3)}, r"got \(2, 3\)"),
        ({"b": torch.full((3,), torch.inf)}, "b to be finite numbers; got inf"),
        ({"V": torch.ones(3, 2)}, r"V of W's shape \(2, 3\); got \(3, 2\)"),
        ({"V": torch.ones(1, 2, 3)}, r"got \(1, 2, 3\)"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_given_weights_that_do_not_fit_are_named(weights, message):
    given_weights = {"W": torch.ones(2, 3)} | weights
    with pytest.raises(ValueError, match=message):
        ToyModel.with_weights(**given_weights)


# What is refused ----------------------------------------------------------------------------


def test_whole_numbers_of_any_kind_are_sizes():
    model = ToyModel(np.int64(5), torch.tensor(2), np.uint8(3))
    assert model.W.shape == (3, 2, 5)


@pytest.mark.parametrize("bad", [0, -1, True])
@pytest.mark.parametrize("name", ["n_features", "n_hidden", "n_instances"])
def test_bad_sizes_are_named(name, bad):
    size = {"n_features": 5, "n_hidden": 2, "n_instances": 1, name: bad}
    with pytest.raises(ValueError, match=f"expected {name} to be a whole number >= 1; got {bad}"):
        ToyModel(**size)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("shape", [(1, 4, 6), (2, 4, 5), (4, 5)])
def test_rows_of_the_wrong_shape_are_named(shape):
    model = ToyModel(5, 2)
    with pytest.raises(ValueError, match=r"x of shape .*= \(1, batch, 5\); got \(.*\)"):
        model(torch.rand(shape))
    with pytest.raises(ValueError, match=r"h of shape \(instances, batch, hidden\) = \(1, batch, 2\); got"):
        model.decode(torch.rand(shape))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("shape", [(2, 4, 5), (1, 4, 4), (1, 3, 5), (1, 1, 4, 5)])
def test_costs_of_the_wrong_shape_are_named(shape):
    model, x = ToyModel(5, 2), torch.rand(1, 4, 5)
    with pytest.raises(ValueError, match=r"cost to broadcast against x of shape \(1, 4, 5\); got \("):
        model.set_gradients(x, torch.ones(shape))


def test_a_cost_broadcasts():
    model, x = ToyModel(5, 2, generator=0), torch.rand(1, 4, 5)
    wide = model.set_gradients(x, torch.full_like(x, 0.5))
    torch.testing.assert_close(model.set_gradients(x, torch.full((1, 4, 1), 0.5)), wide)


def test_rows_of_another_dtype_are_named():
    with pytest.raises(
        ValueError, match=r"x to be torch.float64 on cpu, as the weights are; got torch.float32"
    ):
        ToyModel(5, 2).double()(torch.rand(1, 4, 5))
