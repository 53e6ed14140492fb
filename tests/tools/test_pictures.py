"""Pictures are stored small, the eye sees no difference, and old pixels keep their bytes."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pictures
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image


def png(pixels: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def figure() -> bytes:
    """A picture as the chapters draw them: lines, text, a colour map."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(6, 3), dpi=120)
    for k in range(8):
        left.plot(np.linspace(0, 1), np.linspace(0, 1) ** k, label=f"power {k}")
    left.legend()
    right.imshow(np.random.default_rng(0).random((20, 20)))
    file = io.BytesIO()
    fig.savefig(file, format="png")
    plt.close(fig)
    return file.getvalue()


@pytest.fixture(scope="module")
def noise() -> bytes:
    """A picture that 256 colours would spoil."""
    tile = np.random.default_rng(0).integers(0, 256, (80, 20, 3), dtype=np.uint8)
    return png(np.tile(tile, (1, 4, 1)), compress_level=0)


def shown(data: bytes) -> np.ndarray:
    return pictures.pixels(Image.open(io.BytesIO(data))).astype(int)


def test_a_figure_becomes_less_than_half_as_large_and_looks_the_same(figure: bytes) -> None:
    small = pictures.smaller(figure)
    moved = np.abs(shown(small) - shown(figure))
    assert len(small) < len(figure) / 2
    assert moved.max() <= pictures.LARGEST
    assert moved.mean() < 1
    assert Image.open(io.BytesIO(small)).info["dpi"] == pytest.approx((120, 120), abs=0.1)


def test_what_is_small_stays_as_it_is(figure: bytes, noise: bytes) -> None:
    for picture in (figure, noise):
        small = pictures.smaller(picture)
        assert pictures.smaller(small) == small


def test_a_picture_of_many_colours_is_kept_exactly(noise: bytes) -> None:
    small = pictures.smaller(noise)
    assert len(small) < len(noise)
    assert pictures.same_pixels(small, noise)


def test_a_transparent_picture_is_left_alone() -> None:
    clear = png(np.zeros((9, 9, 4), dtype=np.uint8))
    assert pictures.smaller(clear) == clear


def notebook(*drawn: bytes) -> NotebookNode:
    cells = [new_markdown_cell("Text.")]
    for position, data in enumerate(drawn):
        output = new_output("display_data", data={"image/png": base64.b64encode(data).decode()})
        cells.append(new_code_cell(id=f"c{position}", outputs=[new_output("stream", text="a"), output]))
    return new_notebook(cells=cells)


def test_old_pixels_keep_their_bytes_and_new_ones_are_stored_small(figure: bytes, noise: bytes) -> None:
    packed_otherwise = png(shown(pictures.smaller(figure)).astype(np.uint8), compress_level=1)
    before = pictures.of_notebook(notebook(packed_otherwise, figure))
    again = notebook(figure, noise)
    pictures.store(again, before)
    first, second = pictures.of_notebook(again).values()
    assert first == before["c0", 1], "the same pixels, other bytes"
    assert base64.b64decode(second) == pictures.smaller(noise)
