"""Store a notebook's pictures small: 256 colours where the eye sees no difference, and no new bytes for old pixels."""

import base64
import io
from collections.abc import Iterator

import numpy as np
from nbformat import NotebookNode
from PIL import Image

LARGEST = (
    16  # of 255: how far a pixel's channel may move. Text and lines have smooth borders, so few pixels do.
)
PNG = "image/png"

Pictures = dict[tuple[str, int], str]  # cell id and the output's position -> PNG, as the notebook holds it


def of_notebook(notebook: NotebookNode) -> Pictures:
    """Every PNG that the notebook's cells have drawn."""
    return {key: data[PNG] for key, data in _places(notebook)}


def store(notebook: NotebookNode, before: Pictures) -> None:
    """Make each picture small; one whose pixels are those of ``before`` keeps those bytes."""
    for key, data in _places(notebook):
        png = smaller(base64.b64decode(data[PNG]))
        old = before.get(key)
        if old is None or not same_pixels(base64.b64decode(old), png):
            data[PNG] = base64.b64encode(png).decode()
        else:
            data[PNG] = old


def smaller(png: bytes) -> bytes:
    """The picture with a palette of at most 256 colours, if no pixel moves far; else losslessly packed."""
    picture = Image.open(io.BytesIO(png))
    if picture.mode == "P" or _transparent(picture):
        return png
    full = picture.convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    moved = np.abs(pixels(few).astype(int) - pixels(full).astype(int)).max()
    packed = io.BytesIO()
    dpi = {"dpi": picture.info["dpi"]} if "dpi" in picture.info else {}
    (few if moved <= LARGEST else full).save(packed, "PNG", optimize=True, **dpi)
    return min(packed.getvalue(), png, key=len)


def same_pixels(a: bytes, b: bytes) -> bool:
    """Whether two PNG files show the same picture."""
    shown = [pixels(Image.open(io.BytesIO(png))) for png in (a, b)]
    return np.array_equal(*shown)


def pixels(picture: Image.Image) -> np.ndarray:
    """The picture as ``(height, width, 4)``, red, green, blue and opacity from 0 to 255."""
    return np.asarray(picture.convert("RGBA"))


def _transparent(picture: Image.Image) -> bool:
    return picture.mode == "RGBA" and picture.getextrema()[3][0] < 255


def _places(notebook: NotebookNode) -> Iterator[tuple[tuple[str, int], NotebookNode]]:
    for cell in notebook.cells:
        for position, output in enumerate(cell.get("outputs", [])):
            if PNG in output.get("data", {}):
                yield (cell.id, position), output.data
