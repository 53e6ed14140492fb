"""The live figures' Python side: what they put on a page, without a browser."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch

from tms_utils import live, plotting
from tms_utils.live.activation_space import TRAINED_W
from tms_utils.live.figure import PALETTE, script, source

FIGURES = {name: getattr(live, name) for name in live.__all__}


@pytest.mark.parametrize("name", FIGURES)
def test_html_is_the_same_every_time_and_needs_nobody_else(name):
    html = FIGURES[name]()._repr_html_()
    assert html == FIGURES[name]()._repr_html_()
    assert re.fullmatch(r"<live figure: [a-z ]+>", repr(FIGURES[name]()))
    # The only address is SVG's name space, which nothing fetches.
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert html.count("<script") == html.count("</script>") == 1
    assert not re.search(r"^(import|export)\b", html, re.M)
    assert " at 0x" not in html


def test_four_figures_add_less_than_150_kB():
    sizes = {name: len(figure()._repr_html_().encode()) for name, figure in FIGURES.items()}
    print(sizes, sum(sizes.values()))
    assert sum(sizes.values()) < 150_000


@pytest.mark.parametrize("name", FIGURES)
def test_the_still_picture_is_valid_small_and_described(name):
    figure = FIGURES[name]()
    assert ET.fromstring(figure.still).tag == "{http://www.w3.org/2000/svg}svg"
    assert len(figure.still) < 8_000
    assert 60 < len(figure.alt) < 300
    assert f'alt="{figure.alt}"' in figure._repr_html_()


def test_versions_of_a_script_claim_slots_of_their_own(monkeypatch):
    name, code = script("playground")
    assert f'mount("{name}"' in code
    monkeypatch.setattr(
        "tms_utils.live.figure.source",
        lambda file: source(file) + ("\nlet changed;" if file == "ui.js" else ""),
    )
    assert script("playground")[0] != name


def test_a_script_may_not_end_the_script_element(monkeypatch):
    monkeypatch.setattr(
        "tms_utils.live.figure.source", lambda file: source(file) + '\nconst t = "</script>";'
    )
    with pytest.raises(ValueError, match="script"):
        script("playground")


def test_colours_are_the_courses_and_the_pages():
    assert PALETTE == plotting.PALETTE
    assert f"palette = {list(PALETTE)}".replace("'", '"') in source("ui.js")


def luminance(colour: str) -> float:
    values = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["\n.app {", "\n.app.dark {"])
def test_contrast_meets_wcag_aa(theme):
    block = source("style.css").split(theme)[1].split("}")[0]
    value = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
    for text, ground in [
        ("ink", "card"),
        ("muted", "card"),
        ("ink", "soft"),
        ("muted", "soft"),
        ("on-accent", "accent"),
        ("accent", "card"),
    ]:
        assert contrast(value[text], value[ground]) >= 4.5, (text, ground)
    for graphic in (*PALETTE, value["line"], value["accent"]):
        assert contrast(graphic, value["card"]) >= 3, graphic


def test_the_slider_for_together_offers_the_same_values_on_both_sides():
    listed = re.search(r"TOGETHER = \[([^\]]+)\]", source("playground.js"))[1]
    for value in map(float, listed.split(",")):
        config = live.playground(features=4, together=value).config
        assert config["together"] == value
        assert "decay" not in config
    assert "together" not in live.playground().config


def test_sliders_offer_the_same_values_on_both_sides():
    for kind in ("playground", "many_seeds"):
        for name in ("sparsity", "decay"):
            listed = re.search(
                rf"{'SPARSITIES' if name == 'sparsity' else 'DECAYS'} = \[([^\]]+)\]", source(f"{kind}.js")
            )[1]
            for value in map(float, listed.split(",")):
                assert FIGURES[kind](**{name: value}).config[name] == value
            with pytest.raises(ValueError, match=name):
                FIGURES[kind](**{name: 0.123})


@pytest.mark.parametrize(
    ("figure", "arguments", "message"),
    [
        ("playground", {"features": 9}, "features"),
        ("playground", {"features": 5, "together": 1}, "features"),
        ("playground", {"features": 4, "together": 0.15}, "together"),
        ("playground", {"seed": -1}, "seed"),
        ("many_seeds", {"seed": -1}, "seed"),
        ("phase_diagram", {"density": 0}, "density"),
        ("phase_diagram", {"ratio": 11}, "ratio"),
        ("activation_space", {"k": 4}, "k to be"),
        ("activation_space", {"W": np.ones((2, 8))}, r"\(3, features\).*\(2, 8\)"),
        ("activation_space", {"W": np.ones((3, 13))}, "2 to 12"),
        ("activation_space", {"W": np.zeros((3, 4))}, "not zero"),
        ("activation_space", {"W": np.full((3, 4), np.nan)}, "finite"),
    ],
)
def test_bad_input_is_refused(figure, arguments, message):
    with pytest.raises(ValueError, match=message):
        FIGURES[figure](**arguments)


def test_weights_come_as_a_tensor_an_array_or_a_list():
    W = torch.nn.Parameter(torch.tensor(TRAINED_W))
    assert (
        live.activation_space(W).config
        == live.activation_space(W.detach().numpy()).config
        == live.activation_space().config
    )


def test_fragments_in_the_book_are_up_to_date(root):
    for file in (root / "book" / "live").glob("*.html"):
        expected = FIGURES[file.stem]()._repr_html_()
        assert file.read_text(encoding="utf-8") == expected, (
            f"python -m tms_utils.live {file.stem} > {file.relative_to(root)}"
        )


def test_command_line_prints_the_figure():
    run = subprocess.run(
        [sys.executable, "-m", "tms_utils.live", "playground"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert run.stdout == live.playground()._repr_html_()
    wrong = subprocess.run(
        [sys.executable, "-m", "tms_utils.live", "nothing"], capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert "usage" in wrong.stderr
