"""The explorers: they build without a kernel, redraw when a control changes, and refuse what does not fit."""

import re

import pytest
import torch

widgets = pytest.importorskip("ipywidgets")

from tms_utils import SparseFeatures, ToyModel, dimensionality, train  # noqa: E402
from tms_utils import widgets as explorers  # noqa: E402
from tms_utils.widgets import explore_activations, explore_density  # noqa: E402


def controls(box) -> dict:
    """The controls of an explorer by their description, and its picture and text by kind."""
    found = {}

    def walk(widget):
        if isinstance(widget, widgets.Image):
            found["picture"] = widget
        elif isinstance(widget, widgets.HTML):
            found["summary"] = widget
        elif getattr(widget, "description", ""):
            found[widget.description] = widget
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(box)
    return found


def is_png(data) -> bool:
    return bytes(data).startswith(b"\x89PNG")


def numbers(text: str) -> list[float]:
    return [float(value) for value in re.findall(r"<b>([\d.]+)</b>", text)]


def test_explore_density_starts_with_a_picture_and_its_numbers():
    found = controls(explore_density(5, 2, steps=30))
    assert set(found) == {"density", "decay", "seed", "picture", "summary"}
    assert is_png(found["picture"].value)
    kept, d_star, d_sum = numbers(found["summary"].value)
    assert 0 <= kept <= 5
    assert d_star > 0
    assert 0 < d_sum <= 2.01


def test_explore_density_shows_the_model_that_its_sliders_name():
    found = controls(explore_density(5, 2, steps=200))
    found["density"].value = 0.1
    found["decay"].value = 0.9
    found["seed"].value = 3
    model = ToyModel(5, 2, generator=3)
    train(model, SparseFeatures(5, 0.1), 0.9 ** torch.arange(5), steps=200, seed=3, progress=False)
    assert numbers(found["summary"].value)[2] == pytest.approx(
        dimensionality(model.W[0]).sum().item(), abs=0.006
    )


@pytest.mark.parametrize(("control", "value"), [("density", 0.03), ("decay", 1.0), ("seed", 7)])
def test_explore_density_redraws_when_a_control_changes(control, value):
    found = controls(explore_density(5, 2, steps=30))
    before = found["picture"].value
    found[control].value = value
    assert is_png(found["picture"].value)
    assert found["picture"].value != before


def test_explore_density_trains_each_state_once(monkeypatch):
    calls = []
    monkeypatch.setattr(explorers, "train", lambda *args, **kwargs: calls.append(args))
    found = controls(explore_density(5, 2, steps=30))
    found["seed"].value = 1
    found["seed"].value = 0
    assert len(calls) == 2


def test_explore_density_covers_the_sweep_of_the_chapter():
    options = [value for _, value in controls(explore_density(4, 2, steps=2))["density"].options]
    assert {1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001} <= set(options)


def test_explore_density_refuses_sizes_that_make_no_sense():
    with pytest.raises(ValueError, match="n_hidden"):
        explore_density(5, 0, steps=2)


@pytest.mark.parametrize(
    ("control", "value"), [("k active", 1), ("pair", (0, 1)), ("azimuth", 30), ("elevation", -20)]
)
def test_explore_activations_redraws_when_a_control_changes(control, value):
    W = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    found = controls(explore_activations(W, rows=200))
    before = found["picture"].value
    assert is_png(before)
    assert found["pair"].label == "all", "a choice that is not shown is no choice"
    found[control].value = value
    assert found["picture"].value != before


def test_explore_activations_needs_three_dimensions():
    with pytest.raises(ValueError, match=r"expected W of shape \(3, features\); got \(2, 5\)"):
        explore_activations(torch.zeros(2, 5))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"W": torch.full((3, 5), torch.nan)}, "W to be finite numbers; got nan"),
        ({"W": "weights"}, "W to be numbers; got 'weights'"),
        ({"rows": 0}, "rows to be a whole number >= 1; got 0"),
        ({"seed": -1}, "seed to be a whole number >= 0; got -1"),
    ],
)
def test_explore_activations_names_what_does_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        explore_activations(**({"W": torch.eye(3)} | options))


def test_explore_activations_takes_one_feature_and_double_precision():
    found = controls(explore_activations(torch.ones(3, 1).double(), rows=20))
    assert found["k active"].value == 1
    assert is_png(found["picture"].value)


def test_dragging_a_slider_does_not_pile_up_pictures():
    """Each control reports once, when let go: a drag would otherwise queue a drawing for every value on its way."""
    for box in (explore_activations(torch.eye(3), rows=50), explore_density(3, 2, steps=2)):
        sliders = [c for c in controls(box).values() if hasattr(c, "continuous_update")]
        assert len(sliders) >= 3
        assert not any(slider.continuous_update for slider in sliders)
