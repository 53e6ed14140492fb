"""Mark handed-in notebooks: which exercises pass the course's own checks?

    python scripts/grade.py handed-in.ipynb
    python scripts/grade.py folder --json marks.json

Every notebook is run in a kernel of its own, in an empty folder, with limits on time and memory. Where its
exercises end, the course's checks look at what it has defined; the notebook's own checks are not used. A cell
or an answer that hangs or kills the kernel is left out, and the rest is run again without it.

This protects against accidents, not against malice: a handed-in notebook can do whatever you can do on this
machine. The page for instructors says how to run it in a container.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import Empty

import nbformat
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parent.parent
HEADING = re.compile(r"^### Exercise (\d+\.\d+): *(.*)$", re.MULTILINE)
CHAPTER = re.compile(r"^# (\d+)\. ", re.MULTILINE)
AFTER = re.compile(r"^## What we checked", re.MULTILINE)  # the section that follows the exercises


# One thread: the models are small, and several threads on a busy machine mostly wait for each other.
SETTINGS = {"MPLBACKEND": "agg", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TOO_LONG = "ran for more than"
NOTES = 3  # shown for a notebook
FILE = re.compile(r"\((\d+|<[^>]*>)(\.py)?, (?=line)")  # the name that IPython gives a cell's file
PROMPT = "*Your answer:*"  # where scripts/student.py asks for an answer in words


@dataclass(frozen=True)
class Limits:
    cell: float = 120  # seconds, for a cell or a check
    total: float = 900  # seconds, for a notebook
    memory: float = 4  # gigabytes, on Linux
    grace: float = 5  # seconds to stop when interrupted


@dataclass(frozen=True)
class Exercise:
    """What the course's own chapter says about an exercise. A written one has no check."""

    number: str
    title: str
    check: str | None
    stubs: tuple[str, ...]  # the cells to fill in, as they come
    names: frozenset[str]  # what these define


@dataclass
class Mark:
    exercise: str
    status: str  # passed, failed, not attempted, or to read
    message: str = ""
    checked: bool = True  # False for an answer in words


@dataclass
class Report:
    file: str
    chapter: int | None = None
    error: str = ""  # why the file could not be marked at all
    fault: str = "notebook"  # whose: the notebook's or the grader's
    marks: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self) -> tuple[int, int]:
        """How many exercises passed, and how many have a check."""
        checked = [mark for mark in self.marks if mark.checked]
        return sum(mark.status == "passed" for mark in checked), len(checked)


class Unreadable(Exception):
    """A file cannot be marked; the message says why."""


class Stopped(Exception):
    """The kernel is dead, or no longer of use; the message says why."""


# Reading ------------------------------------------------------------------------------------


def read(path: Path) -> nbformat.NotebookNode:
    """Read a notebook of any format.

    Raises:
        Unreadable: it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids, and other things that do no harm
            notebook = nbformat.read(path, as_version=4)
        assert all(isinstance(cell.source, str) for cell in notebook.cells)
        return notebook
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unreadable(f"not a readable notebook ({reason})") from error


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def chapter_of(notebook: nbformat.NotebookNode) -> int | None:
    """The chapter's number, from the notebook's metadata or, where those were lost, from its headings."""
    if number := notebook.metadata.get("tms", {}).get("chapter"):
        return number
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    if found := CHAPTER.search(text) or HEADING.search(text):
        return int(float(found[1]))
    return None


def reference(course: Path, chapter: int | None) -> nbformat.NotebookNode:
    """The course's own copy of a chapter.

    Raises:
        Unreadable: there is no such chapter.
    """
    chapters = {chapter_of(notebook): notebook for notebook in map(read, course.glob("notebooks/*.ipynb"))}
    if chapter not in chapters:
        what = (
            "no chapter of this course" if chapter is None else f"chapter {chapter}, which this course lacks"
        )
        raise Unreadable(f"it is {what} (expected one of {sorted(chapters)})")
    return chapters[chapter]


def exercises(chapter: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of the course's own chapter, in order."""
    found = []
    for number, title in HEADING.findall("\n".join(cell.source for cell in chapter.cells)):
        cells = [cell for cell in chapter.cells if cell.metadata.get("exercise") == number]
        check = next((cell.source for cell in cells if "check" in tags(cell)), None)
        stubs = tuple(cell.source for cell in cells if "exercise" in tags(cell))
        found.append(Exercise(number, title.strip(), check, stubs, frozenset().union(*map(defined, stubs))))
    return found


def defined(source: str) -> set[str]:
    """The names that a cell gives a value at its top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):  # unfinished, or IPython's own syntax
        return set()
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return names | {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}


# What to run, and where to check ------------------------------------------------------------


def starts(notebook: nbformat.NotebookNode, wanted: list[Exercise]) -> dict[str, int]:
    """Where each exercise begins: at its heading, or at its stub, or where the stub's names are defined."""
    found: dict[str, int] = {}
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            numbers = [number for number, _ in HEADING.findall(cell.source)]
        else:
            numbers = [cell.metadata.get("exercise")] if "exercise" in tags(cell) else []
        for number in numbers:
            found.setdefault(number, position)
    for exercise in wanted:
        if exercise.number in found or not exercise.names:
            continue
        for position, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and exercise.names <= defined(cell.source):
                found[exercise.number] = position
                break
    return {exercise.number: found[exercise.number] for exercise in wanted if exercise.number in found}


def regions(notebook: nbformat.NotebookNode, wanted: list[Exercise]) -> dict[str, range]:
    """The cells of each exercise: from its start to the next exercise, or to the end of the exercises."""
    start = starts(notebook, wanted)
    after = [i for i, c in enumerate(notebook.cells) if c.cell_type == "markdown" and AFTER.search(c.source)]
    end = len(notebook.cells)
    stops = sorted([*start.values(), *after, end])
    return {
        exercise.number: range(start[exercise.number], next(s for s in stops if s > start[exercise.number]))
        if exercise.number in start
        else range(end, end)
        for exercise in wanted
    }


def plan(
    notebook: nbformat.NotebookNode, wanted: list[Exercise], where: dict[str, range]
) -> list[int | Exercise]:
    """What to do, in order: run a cell (its position), or check an exercise, at the end of its cells."""
    steps: list[int | Exercise] = []
    for position in range(len(notebook.cells) + 1):
        steps += [e for e in wanted if e.check and where[e.number].stop == position]
        if position < len(notebook.cells):
            cell = notebook.cells[position]
            if cell.cell_type == "code" and not {"check", "solution"} & set(tags(cell)):
                steps.append(position)
    return steps


# What the student has done ------------------------------------------------------------------


def written(notebook: nbformat.NotebookNode, region: range, chapter: nbformat.NotebookNode) -> str:
    """The lines in an exercise's cells that do not stand in the course's chapter."""
    given = {line.strip() for cell in chapter.cells for line in cell.source.splitlines()} | {PROMPT}
    lines = [line for position in region for line in notebook.cells[position].source.splitlines()]
    return "\n".join(line for line in lines if line.strip() not in given)


def untouched(exercise: Exercise, notebook: nbformat.NotebookNode, region: range, new: str) -> bool:
    """Tell whether the cells to fill in are as they came, and nothing (`new`) has been written beside them."""
    sources = [notebook.cells[position].source.strip() for position in region]
    return not new and all(stub.strip() in sources for stub in exercise.stubs)


# Running ------------------------------------------------------------------------------------


class Kernel:
    """A fresh kernel with limits, in an empty folder. What it prints or draws is never collected."""

    def __init__(self, course: Path, limits: Limits):
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
            self.prepare(course)
        except BaseException:
            self.close()
            raise

    def prepare(self, course: Path) -> None:
        """Put judge.py, with the checks of `course`, into the kernel before anything else runs there."""
        judge = str(Path(__file__).with_name("judge.py"))
        ready = self.run(
            "import importlib.util as _u, sys as _s\n"
            f"_p = _u.spec_from_file_location('_course_judge', {judge!r})\n"
            "_m = _s.modules['_course_judge'] = _u.module_from_spec(_p)\n"
            "_p.loader.exec_module(_m)\n"
            f"_m.prepare({str(course)!r}, {self.limits.memory!r})\n"
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
        """Run a handed-in cell; return what went wrong with it, or nothing."""
        reply = self.run(source, seconds, tidy="__import__('sys').modules['_course_judge'].tidy()")
        if reply["status"] == "ok":
            return ""
        if reply["status"] == "timeout":
            return reply["evalue"]
        error = f"raised {reply['ename']}: {FILE.sub('(', reply['evalue'])}".removesuffix(": ")
        if is_out_of_memory(error):
            raise Stopped(self.out_of_memory)
        return error

    def check(self, exercise: Exercise, seconds: float) -> Mark:
        """Have our copy of a check judge what the notebook has defined."""
        expression = f"__import__('sys').modules['_course_judge'].judge({exercise.check!r}, globals())"
        reply = self.run("", seconds, verdict=expression)
        if reply["status"] == "timeout":
            return Mark(exercise.number, "failed", f"Your code {reply['evalue']}.")
        answer = reply["user_expressions"]["verdict"]
        if answer["status"] != "ok":
            return Mark(exercise.number, "failed", f"Your code raised {answer['ename']}: {answer['evalue']}")
        found = Mark(exercise.number, **json.loads(ast.literal_eval(answer["data"]["text/plain"])))
        if found.status == "failed" and is_out_of_memory(found.message):
            raise Stopped(self.out_of_memory)  # it may still hold the memory that the others need
        return found

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


def something_to_check(steps: list[int | Exercise]) -> bool:
    return any(isinstance(step, Exercise) for step in steps)


def mark(
    notebook: nbformat.NotebookNode, chapter: nbformat.NotebookNode, course: Path, limits: Limits
) -> Report:
    """Run `notebook`, a hand-in of the course's `chapter`, and check its exercises."""
    wanted = exercises(chapter)
    where = regions(notebook, wanted)
    steps = plan(notebook, wanted, where)
    new = {e.number: written(notebook, where[e.number], chapter) for e in wanted}
    marks = {e.number: in_words(e.number, new[e.number]) for e in wanted if not e.check}
    trouble: dict[int, str] = {}  # what went wrong, by the cell's position
    left = limits.total  # seconds; starting a kernel does not count
    while left > 0 and something_to_check(steps):  # once, and again after each lost kernel
        left_out = set()
        with Kernel(course, limits) as kernel:
            for index, step in enumerate(steps):
                if not something_to_check(steps[index:]):
                    break
                seconds, started = min(limits.cell, left), time.monotonic()
                try:
                    if isinstance(step, Exercise):
                        marks[step.number] = kernel.check(step, seconds)
                        left_out.add(index)
                    elif problem := kernel.cell(notebook.cells[step].source, seconds):
                        trouble[step] = problem
                        if problem.startswith(TOO_LONG):
                            left_out.add(index)
                except Stopped as reason:
                    left_out.add(index)
                    if isinstance(step, Exercise):
                        marks[step.number] = Mark(step.number, "failed", f"Your code {reason}.")
                    else:
                        trouble[step] = str(reason)
                    break
                finally:
                    left -= time.monotonic() - started
                if left <= 0:
                    break
        steps = [step for index, step in enumerate(steps) if index not in left_out]
    for exercise in wanted:
        late = f"The notebook {TOO_LONG} {limits.total:g} seconds, and this was not reached."
        found = marks.setdefault(exercise.number, Mark(exercise.number, "failed", late))
        if not found.checked or found.status == "passed":
            continue
        blame = [trouble[i] for i in where[exercise.number] if i in trouble]
        if untouched(exercise, notebook, where[exercise.number], new[exercise.number]):
            found.status, found.message = "not attempted", "The cell is as it came."
        elif blame:
            found.status = "failed"
            found.message = f"A cell of this exercise {blame[0]}. {found.message}".strip()
    notes = [f"cell {position + 1} {problem}" for position, problem in sorted(trouble.items())]
    return Report("", marks=[marks[e.number] for e in wanted], notes=notes)


def in_words(number: str, answer: str) -> Mark:
    """The mark of an exercise without a check: the answer itself, for the instructor to read."""
    if answer:
        return Mark(number, "to read", answer[:5000], checked=False)
    return Mark(number, "not attempted", "Nothing is written under its heading.", checked=False)


def grade(path: Path, course: Path = ROOT, limits: Limits | None = None) -> Report:
    """Mark one file; a file that cannot be marked gets a report that says why, and whose fault it is."""
    try:
        notebook = read(path)
        chapter = chapter_of(notebook)
        report = mark(notebook, reference(course, chapter), course.resolve(), limits or Limits())
    except Unreadable as error:
        return Report(path.name, error=str(error))
    except Exception as error:  # the other files must still be marked
        return Report(path.name, error=f"the grader failed: {type(error).__name__}: {error}", fault="grader")
    report.file, report.chapter = path.name, chapter
    return report


# Reporting ----------------------------------------------------------------------------------


def plain(text: str) -> str:
    """`text` on one line, without control characters, and not endless."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:600]


def as_text(report: Report) -> str:
    """A report as a table, one exercise a row."""
    if report.error:
        return f"{report.file}: NOT MARKED: {plain(report.error)}"
    passed, checked = report.count()
    lines = [f"{report.file}: chapter {report.chapter}, {passed} of {checked} passed"]
    for found in report.marks:
        row = f"  {found.exercise:5}{found.status:15}"
        lines.append(textwrap.fill(row + plain(found.message), 100, subsequent_indent=" " * 22).rstrip())
    notes = report.notes
    if len(notes) > NOTES:  # one broken cell at the top stops many others
        notes = [
            *notes[:NOTES],
            f"and {len(notes) - NOTES} more cells (with --json, the file lists them all)",
        ]
    lines += [textwrap.fill(f"  note: {plain(note)}", 100, subsequent_indent=" " * 8) for note in notes]
    return "\n".join(lines)


def summary(reports: list[Report]) -> str:
    """One table a chapter: a row for each file, a column for each exercise."""
    short = {"passed": "pass", "failed": "fail", "not attempted": "-", "to read": "read"}
    tables = []
    for chapter in sorted({report.chapter for report in reports if report.chapter}):
        rows = [report for report in reports if report.chapter == chapter]
        width = max(len(report.file) for report in rows)
        heads = "".join(f"{found.exercise:>6}" for found in rows[0].marks)
        lines = [f"{f'chapter {chapter}':{width}}{heads}  passed"]
        for report in rows:
            cells = "".join(f"{short[found.status]:>6}" for found in report.marks)
            passed, checked = report.count()
            lines.append(f"{report.file:{width}}{cells}  {passed} of {checked}")
        tables.append("\n".join(lines))
    if lost := [report.file for report in reports if report.error]:
        tables.append("not marked: " + ", ".join(lost))
    return "\n\n".join(tables)


def left_out(path: Path) -> bool:
    """Tell whether `path` is a handed-in file that is not marked, such as an archive."""
    return path.suffix != ".ipynb" and not path.name.startswith(".")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a handed-in notebook, or a folder of them")
    parser.add_argument("--json", type=Path, help="also write the marks into this file")
    parser.add_argument("--cell", type=float, default=Limits.cell, help="seconds allowed per cell and check")
    parser.add_argument("--total", type=float, default=Limits.total, help="seconds allowed per notebook")
    parser.add_argument("--memory", type=float, default=Limits.memory, help="gigabytes allowed (Linux only)")
    parser.add_argument("--course", type=Path, default=ROOT, help="the folder of the course to mark by")
    options = parser.parse_args(arguments)
    folder = options.path.is_dir()
    hidden = ".ipynb_checkpoints"
    files = (
        sorted(p for p in options.path.rglob("*.ipynb") if hidden not in p.parts)
        if folder
        else [options.path]
    )
    if not files or not all(file.is_file() for file in files):
        print(f"{options.path}: no notebook there", file=sys.stderr)
        return 1
    limits = Limits(options.cell, options.total, options.memory)
    reports = []
    for file in files:
        report = grade(file, options.course, limits)
        report.file = str(file.relative_to(options.path)) if folder else file.name
        print(as_text(report), end="\n\n", flush=True)
        reports.append(report)
    if folder:
        print(summary(reports))
        if others := sorted(p.name for p in options.path.rglob("*") if p.is_file() and left_out(p)):
            print("\nleft out, being no .ipynb: " + ", ".join(map(plain, others)))
    if options.json:
        options.json.write_text(json.dumps([asdict(report) for report in reports], indent=1) + "\n", "utf-8")
    return int(any(report.error and report.fault == "grader" for report in reports))


if __name__ == "__main__":
    sys.exit(main())
