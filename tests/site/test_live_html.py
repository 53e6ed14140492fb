"""The live figures' Python side: what they put on a page, without a browser."""

import html as entities
import json
import re
import time
import xml.etree.ElementTree as ET
from importlib.resources import files

import numpy as np
import pytest
import torch

from tms_utils import live, plotting
from tms_utils.live.activation_space import TRAINED_W
from tms_utils.live.figure import script, source
from tms_utils.live.minify import minified, minified_style
from tms_utils.palette import PALETTE

FIGURES = {name: getattr(live, name) for name in live.__all__}


@pytest.mark.parametrize("name", FIGURES)
def test_html_is_the_same_every_time_and_needs_nobody_else(name):
    html = FIGURES[name]()._repr_html_()
    assert html == FIGURES[name]()._repr_html_()
    assert re.fullmatch(r"<live figure: [a-z ]+>", repr(FIGURES[name]()))
    # The only address is SVG's name space, which nothing fetches.
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert html.count("<script") == html.count("</script>") == 1
    assert not re.search(r'^(import|export)\b.*"\./', html, re.M)
    assert " at 0x" not in html


def test_no_figure_is_heavy():
    sizes = {name: len(figure()._repr_html_().encode()) for name, figure in FIGURES.items()}
    print(sizes)
    assert max(sizes.values()) < 50_000


def test_a_style_sheet_keeps_what_the_script_names():
    style = "/* why */ p { margin: 0; }\n.used, .idle { top: 1px; }\n.idle .used { top: 2px; }\n@media print { .app > slot { top: 3px; } }"
    assert (
        minified_style(style, 'class: "used app"')
        == "p{margin:0;}.used{top:1px;}@media print{.app>slot{top:3px;}}"
    )


def test_no_module_is_long():
    folder = files("tms_utils.live")
    for path in (path for path in folder.iterdir() if path.name.endswith((".js", ".py", ".css"))):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path.name


def test_the_still_picture_of_pairs_shows_pairs():
    figure = live.playground(features=4, together=0)
    assert "pentagon" not in figure.alt
    assert "partners" in figure.alt
    arrows = re.findall(r'<polygon fill="(#\w+)"', figure.still)
    assert arrows == [PALETTE[0]] * 2 + [PALETTE[1]] * 2
    assert live.playground().still.count("<polygon") == 5


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("const a = 1; // why\nconst b = a + +a;", "const a=1;const b=a+ +a;"),
        ('f("a  // b", `c  ${g("}", `d  ${1}`)}  e`);', 'f("a  // b",`c  ${g("}", `d  ${1}`)}  e`);'),
        ("const t = x.replace(/a {2}/g, y) / 2;", "const t=x.replace(/a {2}/g,y)/ 2;"),
        ("try { f(); } catch { /* never mind */ }", "try{f();}catch{}"),
        ("export function used() {\n  return 1;\n}\nexport function idle() {\n  return used();\n}\nused();", "function used(){return 1;}\nused();"),
        ("const t = `one\n  two`;", "const t=`one\n  two`;"),
    ],
)  # fmt: skip
def test_scripts_are_made_smaller_and_mean_the_same(code, expected):
    assert minified(code) == expected


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


def test_colours_are_the_courses():
    assert plotting.PALETTE is PALETTE
    for kind in FIGURES:
        assert script(kind)[1].count("#3B7DD8") == 1


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


def test_the_sliders_values_and_the_start_are_sent():
    config = live.playground(features=np.int64(4), together=1).config
    assert list(config["choices"]) == ["features", "sparsity", "together"]
    assert config["choices"]["features"] == (2, 4, 6, 8)
    assert (config["features"], config["together"]) == (4, 1)
    assert "together" not in live.playground().config["choices"]
    for figure in (live.playground(), live.many_seeds(decay=1.0, seed=np.int64(7))):
        for name, values in figure.config["choices"].items():
            assert figure.config[name] in values
    sent = entities.unescape(re.search(r'data-config="([^"]*)"', figure._repr_html_())[1])
    assert json.loads(sent)["seed"] == 7
    assert json.loads(sent)["choices"]["decay"] == [0.7, 0.8, 0.9, 0.95, 1]


@pytest.mark.parametrize("name", FIGURES)
def test_html_is_made_at_once(name):
    figure = FIGURES[name]()
    begin = time.process_time()
    figure._repr_html_()
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("figure", "arguments", "message"),
    [
        ("playground", {"features": 9}, "features"),
        ("playground", {"features": 5, "together": 1}, "features"),
        ("playground", {"features": 4, "together": 0.15}, "together"),
        ("playground", {"seed": -1}, "seed"),
        ("many_seeds", {"seed": -1}, "seed"),
        ("phase_diagram", {"density": 0}, "density"),
        ("phase_diagram", {"r": 11}, "r between"),
        ("activation_space", {"k": 4}, "k to be"),
        ("playground", {"sparsity": 0.123}, "sparsity to be one of 0, 0.1,"),
        ("playground", {"decay": 0.123}, "decay"),
        ("many_seeds", {"sparsity": 0.123}, "sparsity"),
        ("many_seeds", {"decay": 0.123}, "decay"),
        ("phase_diagram", {"density": float("nan")}, "density"),
        ("activation_space", {"W": np.ones((2, 8))}, r"\(3, features\).*\(2, 8\)"),
        ("activation_space", {"W": np.ones((3, 13))}, "2 to 12"),
        ("activation_space", {"W": np.zeros((3, 4))}, "no column of W to be zero"),
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


def test_the_configuration_survives_quoting():
    html = live.activation_space()._repr_html_()
    config = re.search(r'data-config="([^"]*)"', html)[1]
    assert json.loads(entities.unescape(config))["W"] == [list(row) for row in TRAINED_W]


def test_squeeze_refuses_what_its_controls_do_not_offer():
    with pytest.raises(ValueError, match="expected on to be one of 0 to 4; got 5"):
        live.squeeze(on=[5])
    with pytest.raises(ValueError, match="expected attack to be one of 0, 0.05"):
        live.squeeze(attack=0.33)
