"""`make chapter`: a new chapter is two files, and every tool of the course takes it as it is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import chapter
import nbformat
import pytest
import skeleton
from chapter import ROOT
from nbformat.v4 import new_notebook

import notebooks

TITLE = 'A "trial" of É, `x` & $y$'
FILES = ("_config.yml", "_toc.yml", "pyproject.toml", "book", "scripts", "tests", "tms_utils", "notebooks")


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class Course:
    """A copy of the course in which the next free number has two digits."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, root / name)
        for number in range(1, 10):
            if not list(root.glob(f"notebooks/{number:02d}_*.ipynb")):
                nbformat.write(new_notebook(), root / "notebooks" / f"{number:02d}_filler.ipynb")
        for extra in root.glob("notebooks/[1-9][0-9]_*.ipynb"):
            extra.unlink()
        for extra in root.glob("tms_utils/checks/chapter_[1-9][0-9]*.py"):
            extra.unlink()
        before = files(root)
        self.said = self.run("scripts/skeleton.py", TITLE).stdout
        after = files(root)
        self.changed = {name for name in before if after.get(name) != before[name]}
        self.new = sorted(after.keys() - before.keys())

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Python with these arguments, in the copy and with its package."""
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def notebook(self) -> Path:
        return self.root / self.new[0]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return Course(tmp_path_factory.mktemp("course"))


def test_a_new_chapter_is_two_files_and_changes_no_other(course: Course) -> None:
    assert course.new == ["notebooks/10_a_trial_of_e_x_y.ipynb", "tms_utils/checks/chapter_10.py"]
    assert course.changed == set()
    for file in course.new:
        assert file in course.said


def test_it_has_the_title_and_its_own_number(course: Course) -> None:
    found = chapter.read(course.notebook)
    assert (found.number, found.title) == (10, TITLE)
    assert [exercise.number for exercise in found.exercises] == ["10.1", "10.2", "10.3"]
    texts = [cell.source for cell in found.cells if not chapter.is_bootstrap(cell)]
    texts.append((course.root / course.new[1]).read_text(encoding="utf-8"))
    assert not re.search(r"\b(NUMBER|MODULE|TITLE|COLAB|TIME)\b", "\n".join(texts))


def test_it_keeps_every_rule(course: Course) -> None:
    result = course.run("scripts/rules.py", course.new[0])
    assert (result.returncode, result.stderr) == (0, "")
    assert "keep the rules" in result.stdout


def test_it_is_tidy(course: Course) -> None:
    for command in (["check"], ["format", "--check"]):
        result = subprocess.run(
            [f"{Path(sys.executable).parent}/ruff", *command, *course.new],
            cwd=course.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr


def test_its_exercises_keep_what_all_exercises_keep(course: Course) -> None:
    result = course.run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:nbval",
        "tests/chapters/test_exercises.py",
        "-k",
        "10.1 or 10.2 or 10.3",
    )
    assert result.returncode == 0, result.stdout
    assert re.search(r"^([2-9]\d|\d{2,}) passed", result.stdout, re.MULTILINE), result.stdout


def test_it_is_listed(course: Course) -> None:
    result = course.run("scripts/listings.py")
    link = f"[10. {TITLE}](../notebooks/{course.notebook.name})"
    assert result.stdout.count(link) == 2
    assert re.findall(r"^\| (10\.\d) \|", result.stdout, re.MULTILINE) == ["10.1", "10.2", "10.3"]
    assert f"notebooks/{course.notebook.stem}" in chapter.pages(course.root)


def test_it_is_handed_out_and_marked(course: Course, tmp_path: Path) -> None:
    result = course.run("scripts/student.py", course.new[0], "--out", str(tmp_path))
    assert result.returncode == 0, result.stderr
    handed_out = tmp_path / course.notebook.name
    assert "solution_lengths" not in handed_out.read_text(encoding="utf-8")
    notebook = nbformat.read(handed_out, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("always_on = None", 'always_on = "C"')
        cell.source = cell.source.replace("> 0.5).sum()", "> 0.5).sum(-1)")
    nbformat.write(notebook, handed_out)
    result = course.run("scripts/grade.py", str(handed_out))
    assert result.returncode == 0, result.stderr
    said = re.findall(r"10\.\d.*?(passed|failed|not attempted)", result.stdout)
    assert said == ["not attempted", "failed", "passed"], result.stdout


def test_its_claims_hold_under_another_seed(course: Course) -> None:
    result = course.run("scripts/claims.py", "--only", "10", "--seeds", "100")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SEED = 100, LENGTH = 1: the same verdicts" in result.stdout


def test_a_title_without_letters_makes_nothing(capsys) -> None:
    before = chapter.paths()
    assert skeleton.main(["—"]) == 1
    assert "expected a title with letters" in capsys.readouterr().err
    assert chapter.paths() == before


def test_a_chapter_that_does_not_run_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    def fail(path: Path, **_) -> float:
        assert path.exists()
        raise notebooks.ChapterError("no")

    monkeypatch.setattr(notebooks, "run_chapter", fail)
    for folder in ("notebooks", "tms_utils/checks"):
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(notebooks.ChapterError):
        skeleton.write("A trial", tmp_path)
    assert files(tmp_path) == {}


def test_the_next_number_is_the_first_that_is_free(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    for name in ("00_a.ipynb", "01_b.ipynb", "03_c.ipynb", "91_d.ipynb", "scratch.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    assert skeleton.next_number(tmp_path) == 2
