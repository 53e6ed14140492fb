"""The half of `make grade` that runs in the kernel, next to the handed-in code and out of its way.

The chapter's checks are loaded before any handed-in cell runs. Then their modules are forgotten, so that the
notebook imports, shadows or breaks a second copy, never this one.
"""

import importlib
import json
import os
import sys
from pathlib import Path

CHECKS = {}


def prepare(course: str, chapter: int, gigabytes: float) -> None:
    """Limit this process's memory, silence it, and load the checks of a chapter of the course in the folder `course`."""
    limit_memory(gigabytes)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.path.insert(0, course)
    checks = importlib.import_module(f"tms_utils.checks.chapter_{chapter:02d}")
    if Path(course) not in Path(checks.__file__).parents:
        raise ImportError(f"expected the checks in {course}, but found {checks.__file__}")
    CHECKS.update(vars(checks))
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


def judge(name: str, expression: str, namespace: dict) -> str:
    """Evaluate a check cell's expression with our check of this name and the notebook's names.

    Returns status and message as JSON.
    """
    if not callable(CHECKS.get(name)):
        status = "faulty check"
        message = (
            f"Expected a call of one of the chapter's checks, but got the check cell {expression!r:.80}."
        )
    else:
        try:
            verdict = eval(expression, {**namespace, name: CHECKS[name]})
            status, message = verdict.status, verdict.message
        except NameError as error:
            status, message = "not attempted", f"The name {error.name!r} is not defined."
        except BaseException as error:
            # also what checks let pass: the interrupt at the end of the time, and sys.exit
            status, message = "failed", f"Your code raised {type(error).__name__}: {error}"
    return json.dumps({"status": status, "message": message[:2000]})
