"""Mark handed-in notebooks: which exercises pass the course's own checks?

    python scripts/grade.py handed-in.ipynb
    python scripts/grade.py folder --out marks

With --out, the folder named there gets marks.json and marks.csv after each hand-in, and at the end CSV files for
Canvas and Moodle, and a page of feedback for each student. A second run goes on where the first stopped.

Every notebook is run in a kernel of its own, in an empty folder, with limits on time and memory. Another process judges
what it has defined; no handed-in code runs there. A cell or an answer that hangs or kills the kernel is left out, and
the rest is run again without it.

A handed-in notebook can still do whatever you can do on this machine. The page for instructors says how to run it in a
container.
"""

import argparse
import contextlib
import os
import re
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from pathlib import Path

from chapter import ROOT
from grading import feedback, gradebook
from grading.collect import ARCHIVE, NOTEBOOK, HandIn, collect, owner
from grading.course import Course
from grading.kernel import STOP, Limits
from grading.marking import grade
from grading.marks import Report
from grading.report import as_text, faults, plain, summary
from grading.store import Store

STOPPED = 130  # the status after Ctrl-C


def some_path(text: str) -> Path:
    if not text.strip():  # Path("") would be the folder that this is started in
        raise argparse.ArgumentTypeError("expected a notebook or a folder, but got an empty name")
    return Path(text)


def some_pattern(text: str) -> str:
    try:
        if "student" in re.compile(text).groupindex:
            return text
    except re.error:
        pass
    raise argparse.ArgumentTypeError(
        "expected a regular expression with a group, such as NAME='(?P<student>[^/]+)/'"
    )


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=some_path, help="a handed-in notebook, an archive, or a folder of them")
    parser.add_argument("--out", type=some_path, help="a folder for marks, gradebook files and feedback")
    parser.add_argument("--json", type=some_path, help="a file for the marks alone (CSV beside it)")
    parser.add_argument(
        "--jobs", type=int, default=cores(), help="how many at once (default: the cores there are)"
    )
    parser.add_argument(
        "--name",
        type=some_pattern,
        default=None,
        help="how file names begin: a regular expression with groups student, id, late",
    )
    parser.add_argument(
        "--exercises", type=str.split, default=[], help='those that count, such as "4.1 4.2" (default: all)'
    )
    parser.add_argument("--cell", type=float, default=Limits.cell, help="seconds allowed per cell and check")
    parser.add_argument("--total", type=float, default=Limits.total, help="seconds allowed per notebook")
    parser.add_argument("--memory", type=float, default=Limits.memory, help="gigabytes allowed (Linux only)")
    parser.add_argument("--course", type=Path, default=ROOT, help="the folder of the course to mark by")
    return parser.parse_args(arguments)


def say(text: str = "", *, error: bool = False) -> None:
    """Print; that nobody can read it, or not all of it, is no reason to stop marking."""
    stream = sys.stderr if error else sys.stdout
    with contextlib.suppress(OSError):  # as after `| head`
        print(text, file=stream, flush=True)


class Progress:
    """How many hand-ins are marked, and how long the others will take."""

    def __init__(self, total: int):
        self.total, self.done, self.began = total, 0, time.monotonic()

    def tell(self, report: Report) -> None:
        self.done += 1
        took = time.monotonic() - self.began
        left = took / self.done * (self.total - self.done)
        bar = "#" * (20 * self.done // self.total)
        if self.total > 1:
            about = f", about {left / 60:.0f} min left" if left > 60 else ""
            say(f"[{bar:20}] {self.done} of {self.total}{about}: {plain(report.file)}", error=True)


def mark_all(hand_ins: list[HandIn], course: Course, options: argparse.Namespace, store: Store) -> None:
    """Mark what is not marked yet, several at once; reports are printed in the order of the files."""
    limits = Limits(options.cell, options.total, options.memory)
    progress, lock = Progress(len(hand_ins)), threading.Lock()

    def mark(one: HandIn) -> Report:
        content = " ".join([one.digest(), course.digest[:16], *options.exercises])
        if report := store.known(one.name, content):
            return kept(report)
        report = grade(one.path, course, limits)
        report.file = one.name
        if options.exercises:
            report.marks = [mark for mark in report.marks if mark.exercise in options.exercises]
        vars(report).update(vars(owner(one.name, options.name or "")))
        report.content, report.marked = content, datetime.now().strftime("%Y-%m-%d %H:%M")
        return kept(report)

    def kept(report: Report) -> Report:
        with lock:
            store.keep(report)
            progress.tell(report)
        return report

    pool = ThreadPoolExecutor(max(1, options.jobs))
    try:
        waiting = [pool.submit(mark, one) for one in hand_ins]
        for future in waiting:
            while not future.done():  # a Ctrl-C between two instructions would not end a wait without a limit
                wait([future], timeout=0.5)
            say(as_text(future.result()))
            say()
    except BaseException:
        STOP.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def unknown_exercises(course: Course, asked: list[str]) -> list[str]:
    known = (
        {one.number for number in course.by_number for one in course.chapter(number).exercises}
        if asked
        else set()
    )
    return [number for number in asked if number not in known]


def finish(reports: list[Report], left_out: list[str], options: argparse.Namespace) -> None:
    """What is said and written when all are marked."""
    if options.path.is_dir() or len(reports) > 1:
        say(summary(reports))
    if left_out:
        say("\nleft out, being no .ipynb: " + ", ".join(map(plain, left_out)))
    if options.out:
        gradebook.write(reports, options.out)
        feedback.write(reports, options.out / "feedback")
        say(f"\nIn {options.out}: marks.csv, marks.json, files for Canvas and Moodle, and feedback.")


def main(arguments: list[str] | None = None) -> int:
    """Mark and print. The status is 0, or 1 if the course or the call is at fault: a folder may hold anything."""
    options = options_of(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    STOP.clear()
    with tempfile.TemporaryDirectory(prefix="grade-") as unpacked:
        hand_ins, left_out = collect(options.path, Path(unpacked))
        if not hand_ins:
            names = f" (but {', '.join(map(plain, left_out))})" if left_out else ""
            say(f"{plain(str(options.path))}: no notebook there{names}", error=True)
            return 1
        try:
            store = Store(options.out / "marks.json" if options.out else options.json)
        except OSError as error:
            say(f"The marks cannot be kept there: {error}", error=True)
            return 1
        try:
            course = Course(options.course)
            assert course.by_number, "it has no chapters"
            unknown = unknown_exercises(course, options.exercises)
        except Exception as error:
            say(f"At fault is the course, no student: {error}", error=True)
            return 1
        if unknown:
            say(f"The course has no exercise {', '.join(unknown)}.", error=True)
            return 1
        try:
            mark_all(hand_ins, course, options, store)
        except KeyboardInterrupt:
            kept = "Type the same again to go on." if store.file else "Nothing was kept: there was no --out."
            say(f"\nStopped. {kept}", error=True)
            return STOPPED
        reports = [store.reports[one.name] for one in hand_ins]
        finish(reports, left_out, options)
    if said := faults(reports):
        say(said, error=True)
    named = NOTEBOOK.search(options.path.name) or ARCHIVE.search(options.path.name)
    is_no_notebook = options.path.is_file() and not named and all(report.error for report in reports)
    return int(is_no_notebook or any(report.is_courses_fault() for report in reports))


if __name__ == "__main__":
    sys.exit(main())
