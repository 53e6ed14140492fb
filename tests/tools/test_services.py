"""What services take: Gradescope's zip and results.json, GitHub Classroom's workflow and report, as they document them."""

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import services
import yaml
from chapter import ROOT
from grading.marks import Mark, Report
from tiny_course import hand_in, write_course

FILES = ("_config.yml", "_toc.yml", "requirements.txt")
REPORTS = [
    Report(
        "a.ipynb",
        1,
        marks=[
            Mark("1.1", "passed", "Good.", points=2, title="one"),
            Mark("1.2", "not attempted", points=3, title="two"),
            Mark("1.3", "to read", "Because.", checked=False, title="words"),
        ],
        notes=["cell 2 raised NameError"],
    )
]
GRADESCOPE = {
    "score",
    "max_score",
    "status",
    "name",
    "number",
    "output",
}  # of a test, of those that are documented


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made-up course with the real one's marking, which goes wherever it is copied."""
    root = write_course(tmp_path_factory.mktemp("course"))
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=ignore)
    return root


def test_gradescope_gets_a_test_for_each_exercise() -> None:
    found = services.for_gradescope(REPORTS)
    assert found["score"] == 2
    assert found["output"] == "a.ipynb: cell 2 raised NameError"
    one, two, words = found["tests"]
    assert set(one) == set(two) == GRADESCOPE
    assert [(test["score"], test["max_score"], test["status"]) for test in (one, two)] == [
        (2, 2, "passed"),
        (0, 3, "failed"),
    ]
    assert (one["number"], one["name"], one["output"]) == ("1.1", "Exercise 1.1: one", "passed. Good.")
    assert words.keys() == {"name", "number", "output"}, "no points for what a person reads"


def test_classroom_gets_what_its_graders_give() -> None:
    found = services.for_classroom(REPORTS)
    assert (found["version"], found["status"], found["max_score"]) == (1, "fail", 5)
    assert [(test["status"], test["score"]) for test in found["tests"]] == [("pass", 2), ("fail", 0)]
    assert all(isinstance(test["message"], str) and test["name"] for test in found["tests"])
    passed = services.for_classroom([Report("a.ipynb", 1, marks=REPORTS[0].marks[:1])])
    assert passed["status"] == "pass"


def test_nothing_to_mark_and_our_own_faults_are_told(tmp_path: Path, capsys) -> None:
    assert services.main(["results", str(tmp_path / "nothing.json")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["score"], found["tests"], found["output"]) == (0, [], services.NOTHING)
    assert services.main(["report", str(tmp_path / "nothing.json")]) == 0
    name, value = capsys.readouterr().out.strip().split("=", 1)
    told = json.loads(base64.b64decode(value))
    assert (name, told["status"], told["tests"][0]["message"]) == ("result", "error", services.NOTHING)
    faulty = [Report("a.ipynb", 1, marks=[Mark("1.1", "faulty check", "KeyError")])]
    assert services.OURS in services.for_gradescope(faulty)["output"]
    assert "max_score" not in services.for_gradescope(faulty)["tests"][0]
    assert services.for_classroom(faulty)["status"] == "error"


@pytest.mark.skipif(os.name != "posix", reason="Gradescope's image is Linux")
def test_gradescopes_zip_marks_a_submission(course: Path, tmp_path: Path) -> None:
    """As the documentation says: unpacked into source, run_autograder copied up; all but setup.sh is run."""
    path = services.gradescope(tmp_path / "out", course)
    first = path.read_bytes()
    assert services.gradescope(tmp_path / "out", course).read_bytes() == first
    root = tmp_path / "autograder"
    for name in ("submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(path) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        archive.extractall(root / "source")
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755, "at the top, and executable"
    shutil.copy(root / "source" / "run_autograder", root)
    nbformat.write(hand_in(e2="prediction = 'A'"), root / "submission" / "my file.ipynb")
    environment = {"AUTOGRADER": str(root), "AUTOGRADER_PYTHON": sys.executable}
    subprocess.run(["bash", str(root / "run_autograder")], cwd=root, env=os.environ | environment, check=True)
    found = json.loads((root / "results" / "results.json").read_text())
    assert found["score"] == 2
    assert [test.get("status") for test in found["tests"]] == ["passed", "failed", "passed", None]
    (root / "submission" / "my file.ipynb").unlink()
    subprocess.run(["bash", str(root / "run_autograder")], cwd=root, env=os.environ | environment, check=True)
    assert json.loads((root / "results" / "results.json").read_text())["output"] == services.NOTHING


def test_set_up_is_pinned(tmp_path: Path) -> None:
    with zipfile.ZipFile(services.gradescope(tmp_path)) as archive:
        setup, packages = archive.read("setup.sh").decode(), archive.read("packages.txt").decode()
        lock = archive.read("requirements.txt").decode()
        outputs = [
            cell.outputs
            for name in archive.namelist()
            if name.endswith(".ipynb")
            for cell in nbformat.reads(archive.read(name).decode(), as_version=4).cells
            if cell.cell_type == "code"
        ]
    (tmp_path / "setup.sh").write_text(setup)
    assert subprocess.run(["bash", "-n", str(tmp_path / "setup.sh")], check=False).returncode == 0
    assert "--python 3.13" in setup
    assert "--torch-backend cpu" in setup
    assert "@" not in setup.replace("$@", "")
    wanted = [line for line in packages.splitlines() if not line.startswith("#")]
    assert "torch" in wanted
    assert all(f"\n{name}==" in lock for name in [*wanted, "uv"]), "every version is in the lock"
    assert outputs
    assert not any(outputs)
    assert (tmp_path / "gradescope.zip").stat().st_size < 20_000_000


def test_the_workflow_follows_the_schema_and_is_safe(tmp_path: Path) -> None:
    path = services.classroom(tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "classroom/.github/workflows/classroom.yml"
    tools = Path(sys.executable).parent
    schema = [tools / "check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    safety = [tools / "zizmor", "--offline", "--quiet", "--config", ROOT / ".github" / "zizmor.yml"]
    for tool in (schema, safety):
        run = subprocess.run([*map(str, tool), str(path)], check=False, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
    workflow = yaml.safe_load(path.read_text())
    assert workflow["name"] == "Autograding Tests"
    steps = workflow["jobs"]["run-autograding-tests"]["steps"]
    reporter = steps[-1]
    assert reporter["with"]["runners"] == "exercises"
    assert list(reporter["env"]) == ["EXERCISES_RESULTS"], "the runner's name in capitals"
    assert any(step.get("id") == "exercises" for step in steps)
    url = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
    assert [step["with"].get("repository") for step in steps[:2]] == [None, url.split("github.com/")[1]]


def test_the_containers_recipe_copies_all_that_marks(course: Path, tmp_path: Path) -> None:
    """As far as it goes without an engine: its steps are known ones, in order, and what it copies marks a notebook."""
    page = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
    recipe = page.split("<<'END'\n")[1].split("\nEND\n")[0].replace("\\\n", "")
    steps = [line.split(maxsplit=1) for line in recipe.splitlines()]
    assert [name for name, _ in steps] == ["FROM", "WORKDIR", "COPY", "RUN", "COPY", "COPY", "COPY", "COPY"]
    for _, words in (step for step in steps if step[0] == "COPY"):
        *sources, target = words.split()
        for source in sources:
            assert (ROOT / source).exists()
            place = tmp_path / "image" / (source if target == source else Path(target) / Path(source).name)
            copy = shutil.copytree if (course / source).is_dir() else shutil.copy
            place.parent.mkdir(parents=True, exist_ok=True)
            copy(course / source, place)
    (installs,) = (words for name, words in steps if name == "RUN")
    assert "--torch-backend cpu" in installs
    assert {"packages.txt", "requirements.txt"} <= {path.name for path in (tmp_path / "image").iterdir()}
    nbformat.write(hand_in(), tmp_path / "hand-in.ipynb")
    call = [sys.executable, "scripts/grade.py", str(tmp_path / "hand-in.ipynb")]
    run = subprocess.run(call, cwd=tmp_path / "image", capture_output=True, text=True, check=True)
    assert "chapter 1, 3 of 3 passed" in run.stdout
