"""Running: a fresh kernel with limits on time and memory, whatever the code in it does."""

import ast
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

from jupyter_client.manager import KernelManager

JUDGE = Path(__file__).with_name("judge.py")
# One thread: the models are small, and several threads on a busy machine mostly wait for each other.
SETTINGS = {"MPLBACKEND": "agg", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TOO_LONG = "ran for more than"
FILE = re.compile(r"\((\d+|<[^>]*>)(\.py)?, (?=line)")  # the name that IPython gives a cell's file


@dataclass(frozen=True)
class Limits:
    cell: float = 120  # seconds, for a cell or a check
    total: float = 900  # seconds, for a notebook
    memory: float = 4  # gigabytes, on Linux
    grace: float = 5  # seconds to stop when interrupted


class Stopped(Exception):
    """The kernel is dead, or no longer of use; the message says why."""


# jupyter_client and not nbclient: nbclient collects whatever a cell prints, without a limit; it interrupts a cell
# that ignores interrupts again and again, for ever; and it cannot ask the kernel for the value of an expression.
class Kernel:
    """A fresh kernel with limits, in an empty folder. What it prints or draws is never collected."""

    def __init__(self, course: Path, chapter: int, limits: Limits):
        self.limits = limits
        self.out_of_memory = f"ran out of memory (the limit is {limits.memory:g} GB)"
        self.folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(
            cwd=self.folder.name,
            env=os.environ | SETTINGS | {"IPYTHONDIR": self.folder.name},
            extra_arguments=["--HistoryManager.enabled=False"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = self.manager.client()
        self.client.start_channels(iopub=False, stdin=False, hb=False)
        try:
            self.prepare(course, chapter)
        except BaseException:
            self.close()
            raise

    def prepare(self, course: Path, chapter: int) -> None:
        """Put judge.py, with the checks of a chapter of `course`, into the kernel before anything else runs there."""
        ready = self.run(
            "import importlib.util as _u, sys as _s\n"
            f"_p = _u.spec_from_file_location('_course_judge', {str(JUDGE)!r})\n"
            "_m = _s.modules['_course_judge'] = _u.module_from_spec(_p)\n"
            "_p.loader.exec_module(_m)\n"
            f"_m.prepare({str(course)!r}, {chapter!r}, {self.limits.memory!r})\n"
            "del _u, _s, _p, _m",
            seconds=180,
        )
        if ready["status"] != "ok":
            raise RuntimeError(f"the kernel could not be prepared: {ready['ename']}: {ready['evalue']}")

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
        if any(payload.get("source") == "ask_exit" for payload in reply.get("payload", [])):
            raise Stopped("closed the kernel")
        return reply

    def wait(self, request: str, seconds: float) -> dict | None:
        """The reply to `request`, or None if it does not come within `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.client.get_shell_msg(timeout=min(left, 0.5))
            except Empty:
                if not self.manager.is_alive():
                    raise Stopped("killed the kernel") from None
            else:
                if message["parent_header"].get("msg_id") == request:
                    return message["content"]
        return None

    def cell(self, source: str, seconds: float) -> str:
        """Run a handed-in cell; return what went wrong with it, or nothing.

        Raises:
            Stopped: as `run`, and if the memory ran out.
        """
        reply = self.run(source, seconds, tidy="__import__('sys').modules['_course_judge'].tidy()")
        if reply["status"] == "ok":
            return ""
        if reply["status"] == "timeout":
            return reply["evalue"]
        error = f"raised {reply['ename']}: {FILE.sub('(', reply['evalue'])}".removesuffix(": ")
        if is_out_of_memory(error):
            raise Stopped(self.out_of_memory)
        return error

    def check(self, name: str, expression: str, seconds: float) -> tuple[str, str]:
        """Have our copy of a check judge what the notebook has defined; return status and message.

        Raises:
            Stopped: as `cell`.
        """
        asked = f"__import__('sys').modules['_course_judge'].judge({name!r}, {expression!r}, globals())"
        reply = self.run("", seconds, verdict=asked)
        if reply["status"] == "timeout":
            return "failed", f"Your code {reply['evalue']}."
        answer = reply["user_expressions"]["verdict"]
        if answer["status"] != "ok":
            return "failed", f"Your code raised {answer['ename']}: {answer['evalue']}"
        found = json.loads(ast.literal_eval(answer["data"]["text/plain"]))
        if found["status"] in ("failed", "faulty check") and is_out_of_memory(found["message"]):
            raise Stopped(self.out_of_memory)  # it may still hold the memory that the others need
        return found["status"], found["message"]

    def close(self) -> None:
        """End the kernel, and what it has started."""
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()
        self.folder.cleanup()


def is_out_of_memory(error: str) -> bool:
    """Tell whether code stopped for want of memory, in Python's words or in PyTorch's."""
    return "MemoryError" in error or "allocate memory" in error
