"""The judge: a process that never runs handed-in code. It calls what it judges at a distance, through the marker.

Reads questions from its standard input, one JSON a line, and writes answers to its standard output.
"""

import importlib
import json
import os
import sys
from pathlib import Path

from grading_inside import wire

CHECKS: dict = {}
OWN = "That is the course's own {name}, which of course agrees with itself. Write the lines yourself."


class Line:
    """The line to the marker, and through it to the handed-in code."""

    def __init__(self, reading, writing):
        self.reading, self.writing = reading, writing

    def read(self) -> dict:
        line = self.reading.readline()
        if not line:
            sys.exit()
        return json.loads(line)

    def write(self, said: dict) -> None:
        self.writing.write(json.dumps(said) + "\n")
        self.writing.flush()

    def ask(self, **question) -> dict:
        """Have something done next to the handed-in code."""
        self.write({"ask": question})
        said = self.read()
        if "stop" in said:
            raise Stop
        if "raised" in said and "changed" not in said:
            raise rebuilt(said["raised"])
        return said


class Stop(BaseException):
    """The marker knows the verdict already: out of time, or out of memory."""


class Borrowed(BaseException):
    """The answer is the course's own function, of this name."""


class Judging:
    """One check of one attempt."""

    def __init__(self, line: Line, is_to_write: bool, allowed: list, right):
        self.line, self.is_to_write, self.allowed = line, is_to_write, set(allowed)
        code = getattr(right, "__code__", None)
        root = str(Path(__file__).resolve().parents[1] / "tms_utils")
        self.forbidden = (
            [code.co_filename.removeprefix(root), code.co_firstlineno, code.co_name] if code else None
        )
        self.called: set = set()

    def remote(self, described: dict):
        """What stands here for something that has stayed there."""
        bases = (RemoteFunction,) if described["callable"] else (Remote,)
        kind = type(str(described["type"]), bases, {})
        return kind(self, described)

    def decode(self, plain):
        return wire.decode(plain, self.remote)

    def call(self, number: int, args: tuple, kwargs: dict):
        count = mode_is_on()
        watch = self.is_to_write and number not in self.called
        self.called.add(number)
        said = self.line.ask(
            do="call",
            kept=number,
            arguments=wire.dumps((args, kwargs)),
            count=count,
            watch=watch,
            forbidden=self.forbidden,
        )
        for part, plain in zip(wire.changeable([args, kwargs]), said.get("changed", []), strict=False):
            wire.restore(part, plain)
        for _ in range(min(int(said.get("calls") or 0), 100_000)):
            mode_is_on.touch()
        if "raised" in said:
            raise rebuilt(said["raised"])
        name = str(said.get("borrowed") or "")
        if name and name not in self.allowed:
            raise Borrowed(name)
        return self.decode(said["value"])


class ModeIsOn:
    """Whether a check counts calls of PyTorch just now; `touch` makes one, for each that was made there."""

    empty = None

    def __call__(self) -> bool:
        torch = wire.torch_if_used()
        return torch is not None and torch._C._len_torch_function_stack() > 0

    def touch(self) -> None:
        torch = wire.torch_if_used()
        self.empty = torch.empty(0) if self.empty is None else self.empty
        torch.numel(self.empty)


mode_is_on = ModeIsOn()


class Remote:
    """Something that has stayed with the handed-in code."""

    def __init__(self, judging: Judging, described: dict):
        object.__setattr__(self, "_judging", judging)
        object.__setattr__(self, "_described", described)

    @property
    def __class__(self):
        """A figure is a figure, also from afar."""
        described = object.__getattribute__(self, "_described")
        found = getattr(sys.modules.get(str(described["module"])), str(described["type"]), None)
        known = isinstance(found, type) and found.__module__.split(".")[0] in ("matplotlib", "torch")
        return found if known else type(self)

    def __getattr__(self, name: str):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        said = self._judging.line.ask(do="get", kept=self._described["number"], name=name)
        return self._judging.decode(said["value"])

    def __repr__(self) -> str:
        return str(self._described["repr"])

    def __eq__(self, other) -> bool:
        return isinstance(other, Remote) and self._described["number"] == other._described["number"]

    def __hash__(self) -> int:
        return hash(self._described["number"])


class RemoteFunction(Remote):
    @property
    def __source__(self) -> str:
        return str(self._described["source"])

    def __call__(self, *args, **kwargs):
        return self._judging.call(self._described["number"], args, kwargs)


def rebuilt(raised: dict) -> Exception:
    """An error like the one that was raised there: of that name and text, and of Python's own class."""
    import builtins

    found = (getattr(builtins, str(name), None) for name in raised.get("bases", []))
    base = next((b for b in found if isinstance(b, type) and issubclass(b, Exception)), None)
    if base is None:  # an interrupt, or SystemExit
        base = Exception
    try:
        kind = type(str(raised["name"]), (base,), {"__str__": lambda self: str(raised["text"])})
        return kind()
    except TypeError:  # one that wants arguments, such as UnicodeDecodeError
        return type(str(raised["name"]), (Exception,), {"__str__": lambda self: str(raised["text"])})()


def judge(line: Line, asked: dict) -> dict:
    """The verdict on an attempt: its status and message."""
    check = CHECKS.get(asked["check"])
    if not callable(check):
        said = (
            f"Expected a call of one of the chapter's checks, but got the check cell {asked['source']!r:.80}."
        )
        return {"status": "faulty check", "message": said}
    right = getattr(check, "right", None)
    judging = Judging(line, asked["is_to_write"], asked["allowed"], right)
    try:
        attempts = judging.decode(asked["attempts"])
        for attempt in attempts:
            if type(attempt).__mro__[1] is RemoteFunction and (name := attempt._described["own"]):
                raise Borrowed(str(name))
        verdict = check(*attempts)
        return {"status": str(verdict.status), "message": str(verdict.message)[:2000]}
    except Borrowed as error:
        return {"status": "failed", "message": OWN.format(name=error)}
    except Stop:
        return {"status": "stopped", "message": ""}
    except Exception as error:
        return {"status": "failed", "message": f"Your code raised {type(error).__name__}: {error}"[:2000]}


def prepare(chapter: int) -> None:
    """Load the checks of a chapter from the private copy that this file is in."""
    course = Path(__file__).resolve().parents[1]
    folder = course / "tms_utils" / "checks"  # in the first edition the file of chapter 1 was chapter_1.py
    name = (
        f"chapter_{chapter:02d}" if (folder / f"chapter_{chapter:02d}.py").is_file() else f"chapter_{chapter}"
    )
    checks = importlib.import_module(f"tms_utils.checks.{name}")
    if course not in Path(checks.__file__).resolve().parents:
        raise ImportError(f"expected the checks in {course}, but found {checks.__file__}")
    CHECKS.update(vars(checks))


def main(chapter: int) -> None:
    line = Line(os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8"))
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        prepare(chapter)
    except BaseException as error:
        line.write({"ready": False, "message": f"{type(error).__name__}: {error}"})
        return
    line.write({"ready": True})
    while True:
        line.write(judge(line, line.read()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
