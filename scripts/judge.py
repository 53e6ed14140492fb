"""The half of `make grade` that runs in the kernel, next to the handed-in code and out of its way.

The checks are loaded before any handed-in cell runs. Then their modules are forgotten, so that the notebook
imports, shadows or breaks a second copy, never this one.
"""

import dataclasses
import importlib
import json
import os
import sys
from pathlib import Path

CHECKS = {}


def prepare(course: str, gigabytes: float) -> None:
    """Limit this process's memory, silence it, and load the checks of the course in the folder `course`."""
    limit_memory(gigabytes)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.path.insert(0, course)
    checks = importlib.import_module("tms_utils.checks")
    if Path(course) not in Path(checks.__file__).parents:
        raise ImportError(f"expected the checks in {course}, but found {checks.__file__}")
    CHECKS.update({name: value for name, value in vars(checks).items() if name.startswith("check_")})
    for name in [name for name in sys.modules if f"{name}.".startswith("tms_utils.checks.")]:
        del sys.modules[name]


def limit_memory(gigabytes: float) -> None:
    """Make allocations beyond the limit fail. macOS and Windows do not hold a process to such a limit."""
    if sys.platform == "linux":
        import resource

        limit = int(gigabytes * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def tidy() -> None:
    """Close the figures that a cell has left open, as a notebook does."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def judge(expression: str, namespace: dict) -> str:
    """Evaluate a check cell's expression with our checks and the notebook's names; return status and message as JSON."""
    try:
        verdict = dataclasses.asdict(eval(expression, {**namespace, **CHECKS}))
    except NameError as error:
        verdict = {"status": "not attempted", "message": f"The name {error.name!r} is not defined."}
    except BaseException as error:
        # also what checks let pass: the interrupt at the end of the time, and sys.exit
        verdict = {"status": "failed", "message": f"Your code raised {type(error).__name__}: {error}"}
    return json.dumps({"status": verdict["status"], "message": verdict["message"][:2000]})
