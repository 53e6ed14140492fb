"""Next to the handed-in code: evaluates the arguments of a check, and calls what the judge asks to have called."""

import contextlib
import functools
import importlib
import inspect
import json
import sys
import types
from pathlib import Path

from grading_inside import wire

COURSE = str(Path(__file__).resolve().parents[1] / "tms_utils")
KEPT: list = []  # what stays here, and the judge has a reference to
USUAL = contextlib.ExitStack()


def answer(names: dict, asked: dict) -> dict:
    """Do what is asked; also what goes wrong is an answer."""
    try:
        return {"arguments": arguments, "call": call, "get": get, "end": end}[asked["do"]](names, asked)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            return {"interrupted": True}
        return {"raised": described(error)}


def arguments(names: dict, asked: dict) -> dict:
    """The values of a check's arguments. Begins a check: from here on, settings are as in a fresh process."""
    end(names, asked)
    try:
        values = eval(compile(asked["expression"], "<arguments>", "eval"), names)
    except NameError as error:
        return {"missing": str(error.name)}
    if wire.torch_if_used():
        with contextlib.suppress(Exception):
            module = importlib.import_module("tms_utils.checks.exercise")
            USUAL.enter_context(module._usual_settings())
    return {"value": wire.encode(values, keep)}


def end(names: dict, asked: dict) -> dict:
    """The check is over."""
    USUAL.close()
    KEPT.clear()
    tidy()
    return {}


def call(names: dict, asked: dict) -> dict:
    """Call something, and say what came back, which arguments it has changed, and what it asked PyTorch."""
    function = KEPT[asked["kept"]]
    args, kwargs = wire.loads(asked["arguments"])
    parts = wire.changeable([args, kwargs])
    before = [wire.state(part) for part in parts]
    watch = Watch(asked.get("forbidden")) if asked.get("watch") else contextlib.nullcontext()
    counter = calls_of_torch() if asked.get("count") else contextlib.nullcontext()
    said: dict = {}
    try:
        with counter as counted, watch:
            result = function(*args, **kwargs)
        said["value"] = wire.encode(result, keep)
        if asked.get("watch"):
            said["borrowed"] = watch.borrowed(result)
    except Exception as error:
        said = {"raised": described(error)}
    after = [wire.state(part) for part in parts]
    said["changed"] = [None if old == new else new for old, new in zip(before, after, strict=True)]
    if asked.get("count"):
        said["calls"] = counted.calls
    if len(json.dumps(said)) > wire.LARGEST:
        return {"raised": {"name": "ValueError", "text": "the result is too large to be judged", "bases": []}}
    return said


def get(names: dict, asked: dict) -> dict:
    """An attribute of something that has stayed here."""
    return {"value": wire.encode(getattr(KEPT[asked["kept"]], asked["name"]), keep)}


def keep(value) -> dict:
    """Keep a value here, and describe it."""
    number = next((k for k, kept in enumerate(KEPT) if kept is value), len(KEPT))
    if number == len(KEPT):
        KEPT.append(value)
    kind = type(value)
    text = f"<{kind.__name__}>"
    with contextlib.suppress(Exception):
        text = repr(value)[:200]
    described = {"number": number, "type": kind.__name__, "module": kind.__module__, "repr": text}
    described |= {"callable": callable(value), "own": the_courses_own(value), "source": source_of(value)}
    return {"kept": described}


def source_of(value) -> str:
    """The code of a function of the notebook, by which the judge sees whether it is still as it came."""
    with contextlib.suppress(Exception):
        if isinstance(value, types.FunctionType):
            return inspect.getsource(value)[:20_000]
    return ""


def described(error: BaseException) -> dict:
    text = ""
    with contextlib.suppress(Exception):
        text = str(error)[:2000]
    bases = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
    return {"name": type(error).__name__, "text": text, "bases": bases}


def tidy() -> None:
    """Close the figures that are open, as a notebook does."""
    with contextlib.suppress(Exception):
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")


# Whose work is it? ---------------------------------------------------------------------------


def code_of(function):
    """The code of a function, whatever it is wrapped in; None if it has none."""
    for _ in range(20):
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, types.MethodType):
            function = function.__func__
        else:
            break
    with contextlib.suppress(Exception):
        function = inspect.unwrap(function)
    if isinstance(code := getattr(function, "__code__", None), types.CodeType):
        return code
    kinds = (vars(kind) for kind in type(function).__mro__)  # an object that can be called, such as a module
    return getattr(next((k["__call__"] for k in kinds if "__call__" in k), None), "__code__", None)


def the_courses_own(value) -> str:
    """The name of the course's function that this is; nothing if it is somebody's own."""
    code = code_of(value) if callable(value) and not isinstance(value, type) else None
    return code.co_name if code is not None and code.co_filename.startswith(COURSE) else ""


class Watch:
    """Notes which functions of the course are called, and what they return."""

    def __init__(self, forbidden):
        self.forbidden = forbidden or []  # file, line and name of the function that the check compares with
        self.returned: list = []
        self.entered = ""

    def __enter__(self):
        sys.setprofile(self.note)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def note(self, frame, event, value):
        code = frame.f_code
        if not code.co_filename.startswith(COURSE):
            return
        where = [code.co_filename[len(COURSE) :], code.co_firstlineno, code.co_name]
        if event == "call" and where == self.forbidden:
            self.entered = code.co_name
        elif event == "return" and value is not None and not isinstance(value, (bool, int, str)):
            self.returned.append((code.co_name, value))
            del self.returned[:-200]

    def borrowed(self, result) -> str:
        """The course's function whose result is handed on as it came."""
        passed_on = (name for name, value in self.returned if value is result)
        return self.entered or next(passed_on, "")


def calls_of_torch():
    """Counts the functions of PyTorch that are called."""
    from torch.overrides import TorchFunctionMode

    class Counter(TorchFunctionMode):
        calls = 0

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.calls += 1
            return function(*args, **(kwargs or {}))

    return Counter()
