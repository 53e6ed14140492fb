"""What all tests share: shapes checked at every call, and where the course's files are."""

import os
import re
import shutil
from pathlib import Path

import jaxtyping
import pytest
import torch
from xdist.scheduler import LoadFileScheduling

# Before anything imports the package: from here on every annotated call of tms_utils is checked.
jaxtyping.install_import_hook("tms_utils", "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)  # the tests run in parallel already


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The site's tests, which come in small parts, run last: then all workers are busy to the end."""
    items.sort(key=lambda item: "site" in item.path.parts)


@pytest.hookimpl(optionalhook=True)  # there is no such hook without xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadFileScheduling | None:
    """With ``--dist loadfile``, tests of pages of the site are given out page by page, not as one file."""
    return PageByPage(config, log) if config.getoption("dist") == "loadfile" else None


class PageByPage(LoadFileScheduling):
    """A file of tests, or a notebook, is one worker's; a file of tests of pages is divided by the page in their names."""

    def _split_scope(self, nodeid: str) -> str:
        page = re.search(r"(book|notebooks)/[\w-]+\.html", nodeid)
        return super()._split_scope(nodeid) + (f"::{page[0]}" if page else "")


@pytest.fixture(scope="session")
def root() -> Path:
    """The course's folder."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium or Chrome. Without one, fails in CI and skips elsewhere."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if path := shutil.which(name):
            return path
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if os.path.exists(mac):
        return mac
    message = "the browser tests need Chromium or Chrome, and found neither"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def browser(chromium: str):
    """A headless browser that talks to nobody but the pages that a test opens."""
    from playwright.sync_api import sync_playwright

    switches = (
        "--no-sandbox --disable-gpu --disable-quic --disable-background-networking "
        "--disable-component-update --disable-sync --no-first-run"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=switches.split())
        yield browser
        browser.close()
