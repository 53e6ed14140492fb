"""What makes a page light, and its pictures large where somebody asks: used by scripts/book_extension.py.

- A picture says its width and height, so that nothing moves when it comes, and comes when it is near the screen. It
  is a link to itself: on a phone its type is too small to read.
- Of the theme's three fonts of icons, 270 kB, the dozen icons that the pages show are kept.
- A page whose formulas are as plain as "S = 0.95" is set in italics, and loads no MathJax.
"""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

IMAGE = re.compile(r"<img\b[^>]*?>")
SOURCE = re.compile(r'\bsrc="([^"]*/)?_images/([^"/]+)"')
LARGEST = "See this picture in full size"
PLAIN = re.compile(r"[A-Za-z0-9 .,=<>+/()-]{1,24}")  # TeX that needs nothing but italics
THEME = "_static/styles/pydata-sphinx-theme.css"
FONTS = "_static/vendor/fontawesome/webfonts"
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\?([^"]+)"\}')
POINT = re.compile(r'"\\(f[0-9a-f]{3})"')
FACE = re.compile(r"src:url\(([^)]*/)(fa-[\w-]+)\.woff2\)[^;}]*")
BY_SCRIPT = {"fa-xmark"}  # icons that only the theme's scripts bring in


# Pictures -------------------------------------------------------------------------------------


@cache
def size(path: Path) -> tuple[int, int]:
    """Width and height of a picture, in pixels of the page; of an SVG, from its first line."""
    if path.suffix != ".svg":
        with Image.open(path) as picture:
            return picture.size
    tag = re.search(r"<svg\b[^>]*>", path.read_text(encoding="utf-8"))[0]
    view = re.search(r'viewBox="([^"]+)"', tag)[1].split()
    return round(float(view[2])), round(float(view[3]))


def with_sizes(body: str, files: dict[str, Path]) -> str:
    """A page's HTML, in which each picture of `files` (name on the site -> file) has a size and leads to itself."""

    def larger(match: re.Match) -> str:
        tag, found = match[0], SOURCE.search(match[0])
        if found is None or found[2] not in files or "width=" in tag:
            return tag
        width, height = size(files[found[2]])
        tag = f'{tag.rstrip("/>").rstrip()} width="{width}" height="{height}" loading="lazy" decoding="async" />'
        if re.search(
            r'\bclass="[^"]*\bonly-', tag
        ):  # one of a pair, for light and dark pages; drawn large anyway
            return tag
        address = escape(f"{found[1] or ''}_images/{found[2]}")
        return f'<a class="picture" href="{address}" title="{LARGEST}">{tag}</a>'

    return IMAGE.sub(larger, body)


# Formulas -------------------------------------------------------------------------------------


def plain_formulas(page: nodes.document) -> bool:
    """Set the page's formulas in italics, if every one is plain; say whether there is none left."""
    if next(page.findall(nodes.math_block), None):
        return False
    formulas = list(page.findall(nodes.math))
    if not all(PLAIN.fullmatch(formula.astext()) for formula in formulas):
        return False
    for formula in formulas:
        formula.replace_self(nodes.inline("", "", *_letters(formula.astext()), classes=["formula"]))
    return True


def _letters(tex: str) -> Iterable[nodes.Node]:
    for piece in re.findall(r"[A-Za-z]+|[^A-Za-z]+", tex):
        if piece.isalpha():
            yield nodes.emphasis(piece, piece)
        else:
            yield nodes.Text(piece.replace("-", "\u2212").replace(" ", "\u00a0"))


# Icons ----------------------------------------------------------------------------------------


def icons(pages: Iterable[str]) -> set[str]:
    """The names of the icons that these pages show: fa-bars."""
    return BY_SCRIPT | {name for page in pages for name in re.findall(r"\bfa-[a-z0-9-]+", page)}


def fewer_icons(site: Path, names: set[str]) -> None:
    """Keep in the site's fonts of icons only those of these names; say so in the theme's style sheet."""
    css = (site / THEME).read_text(encoding="utf-8")
    points = set()
    for selectors, point in RULE.findall(css):
        if names & set(re.findall(r"fa-[\w-]+", selectors)):
            points.add(int(point, 16) if len(point) > 1 else ord(point))
    for sheet in (site / "_static").rglob("*.css"):  # some name the character itself
        points |= {int(point, 16) for point in POINT.findall(RULE.sub("", sheet.read_text(encoding="utf-8")))}
    for path in (site / FONTS).glob("*.ttf"):
        font = TTFont(path, recalcTimestamp=False)
        options = subset.Options(flavor="woff", notdef_outline=True, layout_features=[])
        cut = subset.Subsetter(options)
        cut.populate(unicodes=points)
        cut.subset(font)
        font.flavor = "woff"
        font.save(path.with_suffix(".woff"), reorderTables=None)
    (site / THEME).write_text(
        FACE.sub(r'src:url(\1\2.woff) format("woff")', css), encoding="utf-8", newline="\n"
    )
    for path in [*(site / FONTS).glob("*.woff2"), *(site / FONTS).glob("*.ttf")]:
        path.unlink()
