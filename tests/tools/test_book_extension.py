"""What the book's extension does while pages are written: in a book of one page, without git, and on pieces of pages."""

import os
import subprocess
import sys
from pathlib import Path

import lighter
import pytest
from chapter import ROOT
from docutils import nodes
from docutils.utils import new_document
from fontTools.ttLib import TTFont
from PIL import Image

PAGE = """# A page

At $S = 0.95$ there is a picture.

![Nothing but grey.](grey.png)
"""
CONFIG = """
import sys
sys.path.insert(0, {scripts!r})
extensions = ["myst_parser", "sphinx_last_updated_by_git", "book_extension"]
myst_enable_extensions = ["dollarmath"]
html_last_updated_fmt = "%d %B %Y"
git_untracked_show_sourcelink = True
html_copy_source = True
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book of one page, which is no git repository."""
    folder = tmp_path / "book of one page"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "book").mkdir()
    (folder / "index.md").write_text(PAGE)
    (folder / "book" / "notation.md").write_text("---\norphan: true\n---\n# Words\n")
    (folder / "conf.py").write_text(CONFIG.format(scripts=str(ROOT / "scripts")))
    Image.new("RGB", (90, 40), "grey").save(folder / "grey.png")
    return folder


def build(book: Path, path: str) -> str:
    """Build it with this PATH; a warning is an error. Return what was said."""
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-n", "-W", "--keep-going", book, book / "html"]
    result = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def a_git_that(says: str, folder: Path) -> str:
    """A PATH on which git only fails, with these words."""
    git = folder / "bin" / "git"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 128\n")
    git.chmod(0o755)
    return str(git.parent)


DUBIOUS = "fatal: detected dubious ownership in repository"


@pytest.mark.parametrize("why", ["no git program", DUBIOUS, "fatal: not a git repository"])
def test_the_book_builds_where_git_cannot_answer(why: str, book: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "nothing") if why == "no git program" else a_git_that(why, tmp_path)
    said = build(book, path)
    assert "the pages will have no dates" in said
    page = (book / "html" / "index.html").read_text()
    assert "_sources/index.md" in page, "the link to the source is lost"
    assert "article:modified_time" not in page


def test_a_history_that_comes_later_gives_dates(book: Path, tmp_path: Path) -> None:
    build(book, a_git_that(DUBIOUS, tmp_path))
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    for words in (("init", "--quiet"), ("add", "index.md"), (*identity, "commit", "--quiet", "-m", "one")):
        try:
            subprocess.run(["git", *words], cwd=book, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("needs git")
    (book / "index.md").write_text(f"{PAGE}\nMore.\n")
    assert "no dates" not in build(book, os.environ["PATH"])
    assert "article:modified_time" in (book / "html" / "index.html").read_text()


def test_a_page_is_light(book: Path) -> None:
    build(book, os.environ["PATH"])
    page = (book / "html" / "index.html").read_text()
    assert '<a class="picture" href="_images/grey.png"' in page
    assert 'width="90" height="40" loading="lazy"' in page
    assert "tex-mml" not in page
    assert '<span class="formula"><em>S</em>\u00a0=\u00a00.95</span>' in page


def test_only_pages_whose_formulas_are_all_plain_do_without_mathjax() -> None:
    for formulas, plain in (
        (["S = 0", "D-1"], True),
        (["S", r"W^\top"], False),
        (["D_i"], False),
        ([], True),
    ):
        page = new_document("page")
        page += [nodes.math(tex, tex) for tex in formulas]
        assert lighter.plain_formulas(page) == plain
        assert bool(list(page.findall(nodes.math))) == (not plain)


def test_a_picture_that_the_book_does_not_hold_stays_as_it_is() -> None:
    for tag in ('<img src="../_static/logo.svg" alt="a">', '<img src="data:image/png;base64,AA">'):
        assert lighter.with_sizes(tag, {}) == tag


def test_icons_that_no_page_shows_are_cut_from_the_fonts(tmp_path: Path) -> None:
    theme = Path(lighter.subset.__file__).parents[2] / "pydata_sphinx_theme/theme/pydata_sphinx_theme/static"
    for name in (lighter.THEME, *(f"{lighter.FONTS}/fa-{kind}.ttf" for kind in ("solid-900", "brands-400"))):
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((theme / name.removeprefix("_static/")).read_bytes())
    lighter.fewer_icons(tmp_path, {"fa-bars", "fa-github"})
    css = (tmp_path / lighter.THEME).read_text(encoding="utf-8")
    assert "woff2" not in css
    assert 'fa-solid-900.woff) format("woff")' in css
    fonts = sorted((tmp_path / lighter.FONTS).iterdir())
    assert [path.name for path in fonts] == ["fa-brands-400.woff", "fa-solid-900.woff"]
    assert sum(path.stat().st_size for path in fonts) < 15_000
    assert [point in TTFont(path).getBestCmap() for path, point in zip(fonts, (0xF09B, 0xF0C9), strict=True)] == [
        True, True,
    ]  # fmt: skip
