"""What the tests of the site share: pages served from this machine, and what a live figure says."""

import functools
import http.server
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.glob("[bn]*/*.html")) if SITE.is_dir() else []
LONG = 120_000  # milliseconds: the machine may be busy
FRAMES = (
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # until all is laid out
)
SLOT = re.compile(r'<div class="tms-live-([a-z-]+)-\w{8}"')


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *args):
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, served from this machine."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Tabs:
    """Tabs of one browser, each as for a first visit.

    They share a context: in one of its own, a tab takes the processor half as long again. What only a context can
    have (touch, no scripts) it gets in one of its own.
    """

    MEDIA = ("color_scheme", "forced_colors", "reduced_motion")

    def __init__(self, browser):
        self.browser, self.shared = browser, browser.new_context()

    def open(self, origin: str, *, viewport: dict | None = None, apart: bool = False, **options):
        """An empty tab, and nothing is kept of earlier visits to ``origin``, an address or "file://"."""
        viewport = viewport or {"width": 1280, "height": 720}
        media = {name: options.pop(name) for name in self.MEDIA if name in options}
        own = self.browser.new_context(viewport=viewport, **options) if options or apart else None
        tab = (own or self.shared).new_page()
        tab.set_default_timeout(LONG)
        tab.set_viewport_size(viewport)
        tab.emulate_media(**media)
        if not own:
            forget = {"origin": origin, "storageTypes": "all"}
            tab.context.new_cdp_session(tab).send("Storage.clearDataForOrigin", forget)
        return tab

    def close(self, tab) -> None:
        if tab.context is self.shared:
            tab.context.clear_permissions()
            tab.close()
        else:
            tab.context.close()


@contextmanager
def visiting(tabs: Tabs, folder: Path, server: str) -> Iterator[Callable]:
    """Open the folder's pages, over http or from the disk; fail on any outside request or console message."""
    complaints, visited = [], []

    def guard(route):
        if route.request.url.startswith((server, "file://", "data:")):
            route.continue_()
        else:
            complaints.append(f"request to {route.request.url}")
            route.abort()

    def opened(page, *, scheme="http", **options):
        tab = tabs.open(server if scheme == "http" else "file://", **options)
        visited.append(tab)
        tab.route("**/*", guard)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(f"{server}/{page}.html" if scheme == "http" else f"file://{folder}/{page}.html")
        return tab

    yield opened
    for tab in visited:
        tabs.close(tab)
    assert complaints == []


def require_site() -> None:
    """Skip where the book is not built; in CI, fail."""
    if not PAGES:
        message = "the site is not built; type: make book"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)


def live_kinds(page: str) -> list[str]:
    """The kinds of the live figures on a built page, in their order: "playground", "many_seeds", ..."""
    text = (SITE / page).read_text(encoding="utf-8")
    return [kind.replace("-", "_") for kind in SLOT.findall(text)]


def wait_until(says: Callable[[], str], pattern: str) -> str:
    """What a figure's line says, as soon as it matches."""
    end = time.monotonic() + LONG / 1000
    while not re.search(pattern, text := says()):
        assert time.monotonic() < end, f"expected {pattern!r}; the figure says {text!r}"
        time.sleep(0.05)
    return text
