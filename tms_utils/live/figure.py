"""The Python side of a live figure: one self-contained piece of HTML per figure, no network, no kernel.

A figure is a slot (a ``div`` with a class) and one inline module script. The script claims every slot of
its class, so any number of figures, or copies of one, can stand on a page; a module script leaks no names.
The class carries a digest of the script, so that two versions of the package on one page do not mix.
Where scripts do not run (print, an untrusted notebook) the still picture inside the slot remains.

A figure's settings are in the page's address, and a link in the text moves it: ``[set S to 0.95](#playground?S=0.95)``.
Each function's docstring lists the names; ``hide=presets,share`` leaves parts out. (See ``address.js``.)
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import math
import re
from collections.abc import Collection
from importlib.resources import files
from typing import Any

import torch

from tms_utils.live.minify import minified, minified_style
from tms_utils.palette import PALETTE
from tms_utils.shapes import POLYTOPES, geometry_name, polytope

__all__ = ["LiveFigure", "Still", "chosen", "script", "source"]

INK = "#1c2430"  # of a still picture's words
IMPORT = re.compile(r'^(?:import [^;]*?|export \*) from "\./([\w.]+)";.*$', re.M)


def source(name: str) -> str:
    """The text of one of this package's ``.js`` or ``.css`` files, or of a module with what Python sends."""
    if name == "palette.js":
        return f"export const palette = {_json(PALETTE)};\n"
    if name == "shapes.js":
        return f"export const shapes = {_json(_plane_shapes())};\n"
    return (files("tms_utils.live") / name).read_text(encoding="utf-8")


@functools.cache
def _plane_shapes() -> dict[str, list[float]]:
    """What a group of features in the plane may be named: the cosines of its pairs, ascending.

    (The square is not among them: its name is "2 digons".)
    """
    shapes = {name: polytope(name) for name in POLYTOPES if geometry_name(polytope(name)) == name}
    return {name: _pair_cosines(W) for name, W in shapes.items() if W.shape[0] <= 2}


def _pair_cosines(W: torch.Tensor) -> list[float]:
    first, second = torch.triu_indices(W.shape[1], W.shape[1], offset=1)
    return [round(cosine, 4) for cosine in (W[:, first] * W[:, second]).sum(0).sort().values.tolist()]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def modules(name: str) -> list[str]:
    """The JavaScript modules that one stands on, each after those that it imports, and itself last."""
    below = [module for imported in IMPORT.findall(source(name)) for module in modules(imported)]
    return list(dict.fromkeys([*below, name]))


def script(kind: str) -> tuple[str, str]:
    """The slot's class name and the module script of one kind of figure.

    The files are ordinary modules; put one after another in a single script they need neither
    ``import`` nor ``export``. Comments and indentation stay in the files, not on the page.
    """
    needed = dict.fromkeys([*modules("ui.js"), *modules(f"{kind}.js")])
    code = "\n".join(IMPORT.sub("", source(name)) for name in needed)
    style = minified_style(source("style.css"), code)
    code = minified(f"const style = {json.dumps(style)};\n{code}\nmount(NAME, style, start);")
    name = f"tms-live-{kind.replace('_', '-')}-{hashlib.sha256(code.encode()).hexdigest()[:8]}"
    code = code.replace("mount(NAME", f'mount("{name}"')
    if "</script" in code or "<!--" in code:
        raise ValueError(f"expected {kind}.js to contain nothing that ends or opens a script; it does")
    return name, code


def chosen(name: str, value: Any, choices: Collection) -> Any:
    """The one of ``choices`` that equals ``value``.

    Raises:
        ValueError: if none does.
    """
    for choice in choices:
        if value == choice:
            return choice
    listed = f"{choices[0]} to {choices[-1]}" if isinstance(choices, range) else ", ".join(map(str, choices))
    raise ValueError(f"expected {name} to be one of {listed}; got {value!r}")


class LiveFigure:
    """What a live figure's function returns: show it as a cell's last line.

    Args:
        kind: name of the JavaScript file, for instance ``"playground"``.
        title: what ``repr`` says, the same on every machine.
        still: a picture (SVG text) that stands in for the figure where scripts do not run.
        alt: what the still picture shows.
        config: numbers the figure is started with.
    """

    def __init__(self, kind: str, title: str, still: str, alt: str, config: dict | None = None):
        self.kind, self.title, self.still, self.alt = kind, title, still, alt
        self.config = config or {}

    def __repr__(self) -> str:
        return f"<live figure: {self.title}>"

    def _repr_html_(self) -> str:
        name, code = script(self.kind)
        config = html.escape(_json(self.config))
        picture = base64.b64encode(self.still.encode()).decode()
        return (
            f'<div class="{name}" data-lm-suppress-shortcuts="true" data-config="{config}">\n'
            f'<img alt="{html.escape(self.alt)}" style="max-width:100%" '
            f'src="data:image/svg+xml;base64,{picture}">\n</div>\n'
            f'<script type="module">\n{code}\n</script>\n'
        )


class Still:
    """A small SVG picture built from strings; y points up, the origin is in the middle."""

    def __init__(
        self,
        width: int,
        height: int,
        unit: float | int,
        centre: tuple[float | int, float | int] | None = None,
    ):
        self.width, self.height, self.unit = width, height, unit
        self.cx, self.cy = centre or (width / 2, height / 2)
        self.parts: list[str] = []

    def point(self, x: float | int, y: float | int) -> tuple[str, str]:
        return f"{self.cx + self.unit * x:.1f}", f"{self.cy - self.unit * y:.1f}"

    def line(
        self,
        x0: float | int,
        y0: float | int,
        x1: float | int,
        y1: float | int,
        colour: str = "#77808d",
        width: float | int = 1,
        dash: str = "",
    ) -> None:
        (a, b), (c, d) = self.point(x0, y0), self.point(x1, y1)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="{colour}" stroke-width="{width}"{dashed}/>'
        )

    def arrow(
        self, x: float | int, y: float | int, colour: str, x0: float | int = 0, y0: float | int = 0
    ) -> None:
        """An arrow from (x0, y0) to (x, y)."""
        length = math.hypot(x - x0, y - y0)
        ux, uy, size = (x - x0) / length, (y - y0) / length, min(9 / self.unit, length)
        bx, by, wing = x - size * ux, y - size * uy, 0.42 * size
        self.line(x0, y0, bx, by, colour, 2.5)
        corners = [(x, y), (bx - wing * uy, by + wing * ux), (bx + wing * uy, by - wing * ux)]
        self.parts.append(
            f'<polygon fill="{colour}" points="{" ".join(",".join(self.point(*c)) for c in corners)}"/>'
        )

    def circle(
        self,
        x: float | int,
        y: float | int,
        radius: float | int,
        fill: str = "none",
        stroke: str = "#b8c0cb",
        dash: str = "",
    ) -> None:
        a, b = self.point(x, y)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<circle cx="{a}" cy="{b}" r="{radius * self.unit:.1f}" fill="{fill}" stroke="{stroke}"{dashed}/>'
        )

    def text(
        self,
        x: float | int,
        y: float | int,
        words: str,
        size: int = 13,
        anchor: str = "middle",
        colour: str = INK,
    ) -> None:
        a, b = self.point(x, y - 0.35 * size / self.unit)
        placed = f' text-anchor="{anchor}"' if anchor != "middle" else ""
        painted = f' fill="{colour}"' if colour != INK else ""
        self.parts.append(
            f'<text x="{a}" y="{b}" font-size="{size}"{placed}{painted}>{html.escape(words)}</text>'
        )

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="system-ui, sans-serif" text-anchor="middle" stroke-linecap="round" fill="{INK}"><rect width="100%" height="100%" rx="10" fill="#ffffff"/>{"".join(self.parts)}</svg>'
        )
