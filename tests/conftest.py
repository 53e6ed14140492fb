"""What all tests share: shapes checked at every call, and where the course's files are."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest
import torch

# Before anything imports the package: from here on every annotated call of tms_utils is checked.
jaxtyping.install_import_hook("tms_utils", "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)  # the tests run in parallel already


@pytest.fixture(scope="module", autouse=True)
def unchecked_in_claims(request: pytest.FixtureRequest) -> Iterator[None]:
    """The claims train for thousands of steps, and checking each step's shapes again would take as long."""
    claims = Path(request.fspath).name.startswith("test_claims")
    jaxtyping.config.update("jaxtyping_disable", claims)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


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
