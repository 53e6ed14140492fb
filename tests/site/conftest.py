"""The live figures on pages of their own, in a browser. Without Chromium or Chrome these tests skip (in CI they fail).

Every request that leaves the machine is blocked and counted as a failure, and so is every message on the
browser's console.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browsing import LONG, SITE, Tabs, require_site, served, visiting

from tms_utils import live
from tms_utils.live.figure import modules, source


@pytest.fixture(scope="session")
def tabs(browser) -> Tabs:
    """Tabs of the session's browser."""
    return Tabs(browser)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder with the JavaScript modules and a page for each figure, plus one with all of them twice."""
    path = tmp_path_factory.mktemp("site")
    for name in {module for kind in live.__all__ for module in modules(f"{kind}.js")}:
        (path / name).write_text(source(name), encoding="utf-8")
    (path / "blank.html").write_text("<!doctype html><link rel=icon href=data:,><title>blank</title>")
    bodies = {name: getattr(live, name)()._repr_html_() for name in live.__all__}
    bodies["all"] = "".join(bodies.values()) * 2
    bodies["far"] = bodies["playground"] + "<p style='height:4000px'>A long page.</p>"
    for name, body in bodies.items():
        (path / f"{name}.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><link rel=icon href=data:,><title>live</title>'
            f'<meta name="viewport" content="width=device-width"><body style="margin:8px">{body}</body></html>',
            encoding="utf-8",
        )
    return path


@pytest.fixture(scope="session")
def server(folder) -> Iterator[str]:
    """The address of that folder."""
    with served(folder) as address:
        yield address


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The address of the built site."""
    require_site()
    with served(SITE) as address:
        yield address


@pytest.fixture
def visit(tabs, folder, server) -> Iterator[Callable]:
    """Open the folder's pages for one test."""
    with visiting(tabs, folder, server) as opened:
        yield opened


@pytest.fixture(scope="session")
def compute(browser, folder, server) -> Iterator[Callable]:
    """Run JavaScript with what the figures' modules export at hand, as ``tms``: tms.makeModel, tms.geometryName, ..."""
    page = browser.new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{server}/blank.html")
    names = sorted(path.name for path in folder.glob("*.js"))
    page.evaluate(
        """async (names) => { window.tms = {};
        for (const name of names) Object.assign(tms, await import(`/${name}`)); }""",
        names,
    )
    yield page.evaluate
    page.close()
