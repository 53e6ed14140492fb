"""The page of the helper package: its names, as they are called, and what they say of themselves."""

from pathlib import Path

import api
import pytest
from chapter import ROOT

import tms_utils

MODULE = '''
"""A module (paper: "Basic Results"). More of it."""

class Pair:
    """Two numbers."""
    first: int
    second: int

class Made:
    """What ``make`` gives: |x| in a table."""
    def __init__(self, n, *, scale=1.0): ...

def f(x, y=2, *rest, flag=None):
    """W_i to the power ``a|b``. The rest is silence."""

def silent(x): ...

def _private(x):
    """Not for use."""
'''


def test_a_module_becomes_a_table(tmp_path: Path) -> None:
    path = tmp_path / "tms_utils" / "one.py"
    path.parent.mkdir()
    path.write_text(MODULE)
    lines = api.of_module(path, tmp_path).splitlines()
    assert lines[:3] == ["## tms_utils.one", "", 'A module (paper: "Basic Results").']
    assert lines[6:] == [
        "| `Pair(first, second)` | Two numbers. |",
        r"| `Made(n, *, scale=1.0)` | What `make` gives: \|x\| in a table. |",
        r"| `f(x, y=2, *rest, flag=None)` | W\_i to the power `a\|b`. |",
    ]


@pytest.mark.parametrize("name", tms_utils.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert f"| `{name}(" in api.page(ROOT)
