"""Judging: the checks run in a process that no handed-in code ever enters. It asks, and the kernel's answers are passed on."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from grading.course import Course
from grading.kernel import STOP, TOO_LONG, Cancelled, Kernel, Limits, Stopped, is_out_of_memory

START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from grading_inside.judge import main; main(int(sys.argv[1]))"


class Judge:
    """The checks of one chapter, in a process of their own with a copy of the course of its own."""

    def __init__(self, course: Course, chapter: int, limits: Limits):
        self.course, self.chapter, self.limits = course, chapter, limits
        self.ready = False
        self.start()

    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="judge-", ignore_cleanup_errors=True)
        self.course.write(Path(self.folder.name))
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", START, self.folder.name, str(self.chapter)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder.name,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "agg"},
            start_new_session=True,
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self.listen, args=(self.process, self.lines), daemon=True).start()

    @staticmethod
    def listen(process: subprocess.Popen, lines: queue.Queue) -> None:
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.folder.cleanup()

    def read(self, deadline: float) -> dict | None:
        """The judge's next word; None if it comes too late.

        Raises:
            RuntimeError: the judge has died.
        """
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, min(0.5, deadline - time.monotonic())))
                break
            except queue.Empty:
                if STOP.is_set():
                    raise Cancelled from None
                if time.monotonic() > deadline:
                    return None
        if line is None:
            raise RuntimeError("the checks' own process has died")
        return json.loads(line)

    def write(self, said: dict) -> None:
        try:
            self.process.stdin.write(json.dumps(said).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise RuntimeError("the checks' own process has died") from error

    def wait_until_ready(self) -> None:
        if self.ready:
            return
        said = self.read(time.monotonic() + 180)
        if not said or not said["ready"]:
            raise RuntimeError(
                f"the checks could not be prepared: {said['message'] if said else 'no answer'}"
            )
        self.ready = True

    def check(self, kernel: Kernel, question: dict, expression: str, seconds: float) -> tuple[str, str]:
        """Judge what `expression` gives in the kernel; return status and message.

        Raises:
            Stopped: the kernel is lost.
        """
        self.wait_until_ready()
        deadline = time.monotonic() + seconds
        late = ("failed", f"Your code {TOO_LONG} {seconds:g} seconds.")
        found = kernel.ask(seconds, do="arguments", expression=expression)
        if found.get("interrupted"):
            return late
        if "missing" in found:
            return "not attempted", f"The name {found['missing']!r} is not defined."
        if "raised" in found:
            error = f"{found['raised'].get('name')}: {found['raised'].get('text')}"
            self.mind_memory(kernel, error)
            return "failed", f"Your code raised {error}"
        self.write(question | {"attempts": found.get("value")})
        try:
            while (said := self.read(deadline + self.limits.grace)) is not None:
                if "ask" not in said:
                    if said["status"] in ("failed", "faulty check"):
                        self.mind_memory(kernel, said["message"])
                    return said["status"], said["message"]
                answer = kernel.ask(max(0.1, deadline - time.monotonic()), **said["ask"])
                if answer.get("interrupted"):
                    self.write({"stop": True})
                    self.read(time.monotonic() + self.limits.grace)
                    return late
                self.write(answer)
        except BaseException:
            self.restart()
            raise
        self.restart()
        return late

    def mind_memory(self, kernel: Kernel, message: str) -> None:
        if is_out_of_memory(message):
            raise Stopped(kernel.out_of_memory)  # it may still hold the memory that the others need

    def restart(self) -> None:
        self.close()
        self.ready = False
        self.start()
