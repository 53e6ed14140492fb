"""What ``estimate_loss`` says of models, and that it is fair to all of them."""

import numpy as np
import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss
from tms_utils.theory import feature_mean, feature_variance


def model(n_instances=1):
    return ToyModel(6, 3, n_instances, generator=0)


def test_the_estimated_loss_of_a_constant_answer_is_known_exactly():
    p = torch.tensor([1.0, 0.3, 0.01])
    answer = model(3)
    answer.W.data.zero_()
    answer.b.data = feature_mean(p)[:, None].expand(3, 6).clone()
    importance = 0.5 ** torch.arange(6)
    given = estimate_loss(answer, SparseFeatures(6, p), importance)
    expected = importance.mean() * feature_variance(p)
    torch.testing.assert_close(given, expected, rtol=0.02, atol=0)


def test_importance_broadcasts_over_instances_and_features():
    answer, features = model(2), SparseFeatures(6, 0.5)
    plain = estimate_loss(answer, features, batch_size=512)
    for importance, factor in (
        (2.0, [2.0, 2.0]),
        (torch.tensor(3.0), [3.0, 3.0]),
        (torch.full((6,), 0.5), [0.5, 0.5]),
        (torch.tensor([[1.0], [4.0]]), [1.0, 4.0]),
        (torch.full((1, 6), 0.5), [0.5, 0.5]),
        (np.array([[1.0], [4.0]]), [1.0, 4.0]),
        ([2] * 6, [2.0, 2.0]),
    ):
        given = estimate_loss(answer, features, importance, batch_size=512)
        torch.testing.assert_close(given, plain * torch.tensor(factor))


def test_the_same_seed_shows_every_model_the_same_rows():
    features = SparseFeatures(6, 0.5)
    assert torch.equal(estimate_loss(model(2), features), estimate_loss(model(2), features))
    assert not torch.equal(estimate_loss(model(2), features), estimate_loss(model(2), features, seed=1))


def test_a_batch_drawn_in_pieces_gives_the_same_mean():
    """300 instances of 20 features: 2**16 rows do not fit into one piece of memory."""
    answer = ToyModel(20, 2, 300)
    answer.W.data.zero_()
    loss = estimate_loss(answer, SparseFeatures(20, 0.2), batch_size=2**11)
    torch.testing.assert_close(loss.mean(), torch.tensor(0.2 / 3), rtol=0.01, atol=0)


def test_equal_models_get_equal_losses():
    """Instances are compared on the same rows: what they differ by is no luck of the draw."""
    twins = ToyModel.with_weights(model(1).W.detach().repeat(3, 1, 1))
    loss = estimate_loss(twins, SparseFeatures(6, torch.tensor([0.1, 0.1, 0.5])), batch_size=64)
    assert loss[0] == loss[1]
    assert loss[0] != loss[2]
