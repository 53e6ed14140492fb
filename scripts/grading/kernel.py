"""Running: a fresh kernel with limits on time and memory, whatever the code in it does."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from grading.course import Course

# One thread: the models are small, and several threads on a busy machine mostly wait for each other.
SETTINGS = {
    "MPLBACKEND": "agg",
    "TQDM_DISABLE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "JUPYTER_NO_CONFIG": "1",
    "TMS_CHECKING": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
NOT_FOR_KERNELS = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME")
QUESTION = "the marker asks"
TOO_LONG = "ran for more than"
KILLED = "killed the kernel"
FILE = re.compile(r"\((\d+|<[^>]*>)(\.py)?, (?=line)")  # the name that IPython gives a cell's file
OTHER_INSTALLERS = ("uv", "conda", "mamba")


@dataclass(frozen=True)
class Limits:
    cell: float = 120  # seconds, for a cell or a check
    total: float = 900  # seconds, for a notebook
    memory: float = 4  # gigabytes, on Linux
    grace: float = 5  # seconds to stop when interrupted


STOP = threading.Event()  # set to end all marking soon, as after Ctrl-C


class Cancelled(BaseException):
    """Marking is to end."""


class Stopped(Exception):
    """The kernel is dead, or no longer of use; the message says why."""


class Manager(KernelManager):
    """Starts the grader's own Python, whatever kernels are installed, with a parent that may be killed."""

    inside = Path()

    @property
    def kernel_spec(self) -> KernelSpec:
        kernel = [sys.executable, str(self.inside / "start_kernel.py"), "-f", "{connection_file}"]
        if os.name == "posix":
            kernel = [sys.executable, "-I", "-S", str(self.inside / "launch.py"), *kernel]
        return KernelSpec(argv=kernel, display_name="marking", language="python")


# jupyter_client and not nbclient: nbclient collects whatever a cell prints, without a limit; it interrupts a cell
# that ignores interrupts again and again, for ever; and it cannot ask the kernel anything beside running a cell.
class Kernel:
    """A fresh kernel with limits, in folders of its own. What it prints or draws is never collected."""

    def __init__(self, course: Course, limits: Limits):
        self.limits = limits
        self.started = time.monotonic()
        self.out_of_memory = f"ran out of memory (the limit is {limits.memory:g} GB)"
        self.asked_to_restart = False
        self.folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        home = Path(self.folder.name)
        for name in ("course", "work", "tmp", "bin", "settings"):
            (home / name).mkdir()
        course.write(home / "course")
        self.manager = Manager(kernel_name="python3")
        self.manager.inside = home / "course" / "grading_inside"
        self.client = None
        try:
            self.manager.start_kernel(
                cwd=str(home / "work"),
                env=environment(home, limits),
                extra_arguments=["--HistoryManager.enabled=False"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self.client = self.manager.client()
            self.client.start_channels(iopub=False, stdin=False, hb=False)
            ready = self.run("", seconds=180)
            if ready["status"] != "ok":
                raise RuntimeError(f"the kernel could not be prepared: {ready['ename']}: {ready['evalue']}")
        except Stopped as error:
            self.close()
            raise RuntimeError(f"the kernel could not be prepared: it {error}") from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, seconds: float, **expressions: str) -> dict:
        """Run `code` and return the kernel's reply; its status is ok, error, or, after `seconds`, timeout.

        Raises:
            Stopped: the kernel died, asked to be closed, or could not be interrupted.
        """
        request = self.client.execute(
            code, store_history=False, allow_stdin=False, stop_on_error=False, user_expressions=expressions
        )
        reply = self.wait(request, seconds)
        if reply is None:
            self.manager.interrupt_kernel()
            if self.wait(request, self.limits.grace) is None:
                raise Stopped(f"{TOO_LONG} {seconds:g} seconds and could not be interrupted")
            return {"status": "timeout", "ename": "Timeout", "evalue": f"{TOO_LONG} {seconds:g} seconds"}
        asked = {payload.get("source") for payload in reply.get("payload", [])}
        self.asked_to_restart = "restart" in asked
        if "ask_exit" in asked:
            raise Stopped("closed the kernel")
        return reply

    def wait(self, request: str, seconds: float) -> dict | None:
        """The reply to `request`, or None if it does not come within `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if STOP.is_set():
                raise Cancelled
            try:
                message = self.client.get_shell_msg(timeout=min(left, 0.5))
            except Empty:
                if not self.manager.is_alive():
                    raise Stopped(KILLED) from None
            else:
                if message["parent_header"].get("msg_id") == request:
                    return message["content"]
        return None

    def survives(self, seconds: float) -> bool:
        """Whether the kernel is still alive after so many seconds of doing nothing."""
        deadline = time.monotonic() + seconds
        while self.manager.is_alive():
            if time.monotonic() > deadline:
                return True
            time.sleep(0.05)
        return False

    def cell(self, source: str, seconds: float) -> str:
        """Run a handed-in cell; return what went wrong with it, or nothing.

        Raises:
            Stopped: as `run`, and if the memory ran out.
        """
        reply = self.run(source, seconds)
        if reply["status"] == "ok":
            return ""
        if reply["status"] == "timeout":
            return reply["evalue"]
        error = f"raised {reply['ename']}: {FILE.sub('(', reply['evalue'])}".removesuffix(": ")
        if is_out_of_memory(error):
            raise Stopped(self.out_of_memory)
        return error

    def ask(self, seconds: float, **question: object) -> dict:
        """Have something done next to the handed-in code, beside its names.

        Raises:
            Stopped: as `run`.
        """
        reply = self.run("", seconds, **{QUESTION: json.dumps(question)})
        if reply["status"] == "timeout":
            return {"interrupted": True}
        said = json.loads(reply["user_expressions"][QUESTION])
        return said if isinstance(said, dict) else {}

    def close(self) -> None:
        """End the kernel, and what it has started."""
        group = getattr(self.manager.provisioner, "pgid", None)
        if self.client is not None:
            self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        if group and group != os.getpgrp():
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)  # the kernel is not alone in it: what it has started
        self.folder.cleanup()


def environment(home: Path, limits: Limits) -> dict[str, str]:
    """The environment of a kernel: settings, files and packages are its own, and it cannot install any."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_FOR_KERNELS}
    for name in OTHER_INSTALLERS:
        tool = home / "bin" / name
        tool.write_text(
            f'#!/bin/sh\necho "Left out: {name}. Hand-ins are marked with the packages of the course."\n'
        )
        tool.chmod(0o755)
    course, settings = home / "course", home / "settings"
    for font_list in font_lists():
        shutil.copy(font_list, settings)
    own = {
        "PYTHONPATH": os.pathsep.join([str(course), str(course / "grading_inside" / "shadows")]),
        "PATH": os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)]),
        "IPYTHONDIR": str(settings),
        "JUPYTER_CONFIG_DIR": str(settings),
        "JUPYTER_DATA_DIR": str(settings),
        "JUPYTER_RUNTIME_DIR": str(settings),
        "MPLCONFIGDIR": str(settings),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CACHE_HOME": str(settings),
        "XDG_CONFIG_HOME": str(settings),
        "TMPDIR": str(home / "tmp"),
        "TEMP": str(home / "tmp"),
        "TMP": str(home / "tmp"),
        "TMS_GRADING_MEMORY": f"{limits.memory:g}",
    }
    return kept | SETTINGS | own


def font_lists() -> list[Path]:
    """Matplotlib's lists of fonts, which take seconds to make."""
    places = [
        os.environ.get("MPLCONFIGDIR"),
        Path.home() / ".cache" / "matplotlib",
        Path.home() / ".matplotlib",
    ]
    return [path for place in places if place for path in Path(place).glob("fontlist-*.json")]


def is_out_of_memory(error: str) -> bool:
    """Tell whether code stopped for want of memory, in Python's words or in PyTorch's."""
    return "MemoryError" in error or "allocate memory" in error
