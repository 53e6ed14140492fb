"""Before you hand in: what will the marker say?

    python -m tms_utils.check my.ipynb

Runs a copy of the notebook from top to bottom in a fresh kernel, as the marker will, and prints what each exercise's
last check says.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tms_utils.foreign import INSTALLS, NOT_INSTALLED, clean, decoded

__all__ = ["before_handing_in", "file"]

HEADING = re.compile(r"^### Exercise (\d+\.\d+): *(.*)$", re.MULTILINE)
PROMPT = "*Your answer:*"
NO_PIP = "print('Left out: pip. Hand-ins are marked with the packages of the course.')"
CHECKING = "TMS_CHECKING"  # set while a notebook is marked or checked: then it does not check itself
SECONDS = 120  # for a cell
BORROWED = "That is the course's own {name}, which of course agrees with itself. Write the lines yourself."

said: dict[str, tuple[str, str]] = {}  # what each exercise's last check has said: status and message


# Code as the course gave it ------------------------------------------------------------------


def digest(source: str) -> str:
    """A fingerprint of functions' code that comments, layout and line ends do not change."""
    bare = ast.unparse(ast.parse(textwrap.dedent(source)))
    return hashlib.sha256(bare.replace("'", '"').encode()).hexdigest()[:16]


def as_it_came(came: str, attempts: Iterable[Any]) -> bool:
    """Whether the functions of an attempt are still those that the course gave; ``came`` is the digest of their code."""
    functions = [attempt for attempt in attempts if callable(attempt)]
    try:
        return bool(came) and digest("\n".join(map(source_of, functions))) == came
    except Exception:  # not from a cell, or no Python: then somebody has written it
        return False


def source_of(function: Callable) -> str:
    """A function's code; the marker's judge, which has it from another process, says what it is in ``__source__``."""
    return textwrap.dedent(getattr(function, "__source__", "") or inspect.getsource(function))


def borrowed(attempts: Iterable[Any]) -> str:
    """What to say to an attempt that is a function of this package; nothing to the reader's own work."""
    for one in filter(callable, attempts):
        if str(getattr(one, "__module__", "")).split(".")[0] == "tms_utils":
            return BORROWED.format(name=getattr(one, "__name__", "function"))
    return ""


# What the marker will say --------------------------------------------------------------------


def before_handing_in(name: str, *, ready: bool = False) -> None:
    """The last cell of a hand-out: with ``ready=True``, check the saved notebook."""
    if os.environ.get(CHECKING):
        return
    if not ready:
        print("Before you hand in: save this notebook, write ready=True here, and run this cell.")
        return
    open_now = os.environ.get("JPY_SESSION_NAME", "")  # JupyterLab says which notebook this is
    path = next((p for p in map(Path, (open_now, name)) if p.suffix == ".ipynb" and p.is_file()), None)
    if path is None:
        print(
            f"There is no file {name} here. If you have renamed it, write its name into this cell. In Colab, choose "
            "Runtime, Restart session and run all instead, and read what the checks say."
        )
        return
    file(path)


def file(path: Path | str) -> int:
    """Check a notebook, and print what the marker will say; the number of exercises that have failed."""
    path = Path(path)
    print(f"{path.name} is run from top to bottom ...", flush=True)
    try:
        found, notes = run(path)
    except EndedError as error:
        print(
            f"At cell {error} the kernel had ended: that cell has ended it, or the one before (exit() and the like)."
        )
        return 1
    except (ValueError, OSError):
        print("This file is no readable notebook: it is damaged or cut short. Save or download it again.")
        return 1
    if not found:
        print("There is no exercise of this course in it.")
    for number, (status, message) in found.items():
        row = f"  {number:5}{status:15}{' '.join(message.split())}"
        print(textwrap.fill(row, 100, subsequent_indent=" " * 22).rstrip())
    for note in notes:
        print(textwrap.fill(f"  note: {note}", 100, subsequent_indent=" " * 8))
    return sum(status == "failed" for status, _ in found.values())


class EndedError(Exception):
    """A cell has ended the kernel; the message is its position."""


def read(path: Path):
    """A notebook to run, as the marker reads it, without what it has printed.

    Raises:
        ValueError: it is none.
    """
    import nbformat

    raw = json.loads(decoded(path.read_bytes()))
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise ValueError("expected a notebook with cells")
    clean(raw)
    for cell in raw["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
    return nbformat.reads(json.dumps(raw), as_version=4)


def run(path: Path) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Run a copy of a notebook in a fresh kernel; status and message of each exercise, and errors of cells."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import DeadKernelError

    notebook = read(path)
    new = nbformat.v4.new_code_cell
    notebook.cells.insert(0, new("from tms_utils import colab as _colab\n_colab.pretend()"))
    notebook.cells.append(new("from tms_utils import check as _check\n_check.tell()"))
    try:
        with tempfile.TemporaryDirectory(prefix="check-") as folder, tempfile.TemporaryDirectory() as shadows:
            pip = Path(shadows, "pip")  # one that installs nothing
            pip.mkdir()
            (pip / "__init__.py").touch()
            (pip / "__main__.py").write_text(NO_PIP)
            places = os.pathsep.join(filter(None, (shadows, os.environ.get("PYTHONPATH"))))
            client = NotebookClient(
                notebook,
                kernel_name="python3",
                timeout=SECONDS,
                interrupt_on_timeout=True,
                allow_errors=True,
                resources={"metadata": {"path": folder}},
            )
            client.execute(stderr=subprocess.DEVNULL, env=os.environ | {CHECKING: "1", "PYTHONPATH": places})
    except DeadKernelError as error:
        code = [
            k for k, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()
        ]
        raise EndedError(next(k for k in code if notebook.cells[k].execution_count is None)) from error
    told = told_by(notebook.cells.pop())
    del notebook.cells[0]
    return outcome(notebook.cells, told), errors(notebook.cells)


def tell() -> None:
    """Print what the checks of this kernel have said, for `run` to read."""
    print(json.dumps(said))


def told_by(cell: Mapping) -> dict[str, tuple[str, str]]:
    text = "".join(output.get("text", "") for output in cell.get("outputs", []))
    try:
        return {number: tuple(verdict) for number, verdict in json.loads(text).items()}
    except ValueError:
        return {}


def outcome(cells: Iterable[Mapping], told: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What is said of each exercise that has a heading; one without a check is answered in words."""
    found, texts, raised = {}, {}, {}
    current, is_checked = "", set()
    for cell in cells:
        for number, _ in HEADING.findall(cell.source) if cell.cell_type == "markdown" else []:
            current, texts[number] = number, ""
        if cell.cell_type == "code" and "check_" in cell.source:
            is_checked.add(current)
        elif current and PROMPT in cell.source:
            texts[current] += cell.source.replace(PROMPT, "")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raised.setdefault(
                    current, f"A cell of this exercise raised {output.ename}: {output.evalue}"[:300]
                )
    for number, text in texts.items():
        if number in told:
            status, message = told[number]
            found[number] = (status, message or "Nothing is changed yet." * (status == "not attempted"))
        elif number in is_checked and number in raised:
            found[number] = ("failed", raised[number])
        elif number in is_checked:
            found[number] = ("not attempted", "Its check has not been called.")
        elif text.strip():
            found[number] = ("to read", " ".join(text.split())[:200])
        else:
            found[number] = ("not attempted", "Nothing is written under its heading.")
    return found


def errors(cells: Iterable[Mapping]) -> list[str]:
    """Which cells have stopped, and why; and which wanted packages."""
    installs = [
        f"cell {position} {NOT_INSTALLED}"
        for position, cell in enumerate(cells, 1)
        if cell.cell_type == "code"
        and INSTALLS.search(cell.source)
        and "remove-cell" not in cell.metadata.get("tags", [])
    ]
    return installs + [
        f"cell {position} ran for more than {SECONDS} seconds"
        if output.ename == "KeyboardInterrupt"
        else f"cell {position} raised {output.ename}: {output.evalue}"[:300]
        for position, cell in enumerate(cells, 1)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def main(arguments: list[str]) -> int:
    if arguments in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if len(arguments) == 1 and not Path(arguments[0]).is_file():
        print(f"There is no file {arguments[0]} here.", file=sys.stderr)
        return 2
    if len(arguments) != 1:
        print("Say which notebook: python -m tms_utils.check my.ipynb", file=sys.stderr)
        return 2
    return int(file(arguments[0]) > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
