"""What the grader's tests share: a made-up course, and marking by it."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from grading.kernel import Limits
from grading.marking import grade
from grading.marks import Report
from nbformat import NotebookNode
from tiny_course import write_course


@pytest.fixture(scope="session")
def quick() -> Limits:
    """Limits that a tiny chapter keeps, and that a test can wait for."""
    return Limits(cell=2, total=60, memory=1, grace=1)


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up course; tests leave it as it is."""
    return write_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def marked(course: Path, tmp_path: Path, quick: Limits) -> Callable[..., Report]:
    """Mark a notebook by the tiny course; return its report."""

    def mark(notebook: NotebookNode, limits: Limits = quick, course: Path = course) -> Report:
        path = tmp_path / "hand in, by A. Student.ipynb"
        nbformat.write(notebook, path)
        return grade(path, course, limits)

    return mark


@pytest.fixture(scope="session")
def statuses() -> Callable[[Report], list[str]]:
    """What became of the three exercises of a tiny chapter that have a check."""

    def of(report: Report) -> list[str]:
        assert not report.error
        assert [found.exercise.split(".")[1] for found in report.marks] == ["1", "2", "3", "4"]
        assert [found.checked for found in report.marks] == [True, True, True, False]
        return [found.status for found in report.marks[:-1]]

    return of
