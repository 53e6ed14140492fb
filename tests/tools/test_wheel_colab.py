"""A chapter alone in an empty folder, as Colab would meet it; the package comes as a wheel.

By default the quickest chapter stands for all; TMS_ALL_CHAPTERS=1 runs every one. By default the libraries are those
of the Python that runs the tests; TMS_LIBRARIES_OF names another Python, with older or newer ones.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from chapter import ROOT, is_bootstrap, read
from checking import CHAPTERS, quickest_chapter

TRIED = CHAPTERS if os.environ.get("TMS_ALL_CHAPTERS") == "1" else [quickest_chapter()]
PYTHON = Path(os.environ.get("TMS_LIBRARIES_OF", sys.executable)).absolute()
OURS = ("tms_utils", "tms-utils", "__editable__")
SOURCES = ("tms_utils", "pyproject.toml", "LICENSE")

EXECUTE = """
import sys
import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
notebook.cells.append(nbformat.v4.new_code_cell("import tms_utils; print('from', tms_utils.__file__)"))
NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
print(notebook.cells[-1].outputs[0].text.strip())
"""


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return what it printed; fail with all that it said."""
    clean = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "TMS_UTILS_SOURCE")
    }
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command} failed:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that is installed here, except the course's own package."""
    folder = tmp_path_factory.mktemp("libraries")
    where = call(PYTHON, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd=folder)
    for entry in Path(where.strip()).iterdir():
        if not entry.name.startswith((*OURS, "distutils-precedence")):
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def fresh_python(tmp_path: Path, libraries: Path) -> Path:
    """The Python of a new environment that has every library, but not the course's package."""
    environment = tmp_path / "environment"
    call(PYTHON, "-m", "venv", "--without-pip", environment, cwd=tmp_path)  # pip is among the libraries
    packages = next((environment / "lib").glob("python*")) / "site-packages"
    (packages / "libraries.pth").write_text(f"{libraries}\n")
    python = environment / "bin" / "python"
    found = call(python, "-c", "import importlib.util as u; print(u.find_spec('tms_utils'))", cwd=tmp_path)
    assert found.strip() == "None", "the new environment must not have tms_utils yet"
    return python


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's sources as they are now, in a git repository of their own."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
    if shutil.which("git") is None:  # a folder does for a wheel
        return folder
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    call("git", "init", "--quiet", cwd=folder)
    call("git", "add", ".", cwd=folder)
    call("git", *identity, "commit", "--quiet", "-m", "as it is now", cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built."""
    folder = tmp_path_factory.mktemp("wheel")
    call(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, sources,
        cwd=folder,
    )  # fmt: skip
    (built,) = folder.glob("tms_utils-*.whl")
    return built


def alone(chapter: Path, folder: Path) -> Path:
    """Copy `chapter` into a new folder that holds nothing else."""
    folder.mkdir()
    return Path(shutil.copy(chapter, folder / chapter.name))


def versions(python: Path, cwd: Path) -> str:
    return call(python, "-c", "import torch, numpy; print(torch.__version__, numpy.__version__)", cwd=cwd)


def test_the_wheel_holds_the_whole_package(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    found = (path for path in (ROOT / "tms_utils").rglob("*") if path.is_file())
    files = [p for p in found if "__pycache__" not in p.parts and not p.name.startswith(".")]
    missing = {p.relative_to(ROOT).as_posix() for p in files} - inside
    assert not missing, f"missing from the wheel: {sorted(missing)}; see package-data in pyproject.toml"


def test_there_is_a_chapter_to_try() -> None:
    assert TRIED


@pytest.mark.parametrize("chapter", TRIED, ids=lambda path: path.stem)
def test_a_chapter_runs_as_in_colab(chapter: Path, fresh_python: Path, wheel: Path, tmp_path: Path) -> None:
    assert sum(map(is_bootstrap, read(chapter).cells)) == 1, "the chapter has no bootstrap cell"
    copy = alone(chapter, tmp_path / "empty")
    before = versions(fresh_python, tmp_path)
    printed = call(
        fresh_python, "-c", EXECUTE, copy, cwd=copy.parent,
        TMS_FORCE_COLAB="1", TMS_UTILS_SOURCE=str(wheel),
    )  # fmt: skip
    assert f"from {fresh_python.parent.parent}" in printed, printed
    assert versions(fresh_python, tmp_path) == before, "the bootstrap cell must leave PyTorch and NumPy alone"


def run_bootstrap(python: Path, cwd: Path, **environment: str) -> str:
    code = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8")
    return call(python, "-c", code, cwd=cwd, **environment)


def test_the_bootstrap_cell_fetches_the_package_from_a_repository(
    fresh_python: Path, sources: Path, tmp_path: Path
) -> None:
    if shutil.which("git") is None:
        pytest.skip("pip fetches from a repository with git, and there is none")
    # PIP_NO_BUILD_ISOLATION: build with the setuptools that is here, so that no network is needed
    run_bootstrap(
        fresh_python, tmp_path, TMS_FORCE_COLAB="1", TMS_UTILS_SOURCE=f"git+file://{sources}",
        PIP_NO_BUILD_ISOLATION="0",
    )  # fmt: skip
    where = call(fresh_python, "-c", "import tms_utils; print(tms_utils.__file__)", cwd=tmp_path)
    assert str(fresh_python.parent.parent) in where


def test_outside_colab_the_bootstrap_cell_only_says_what_is_missing(
    fresh_python: Path, tmp_path: Path
) -> None:
    before = sorted(p.name for p in fresh_python.parent.parent.rglob("site-packages/*"))
    printed = run_bootstrap(fresh_python, tmp_path)
    first, *_, line = printed.splitlines()
    assert first.startswith("tms_utils is not installed.")
    assert line.startswith("%pip install scikit-learn git+https://")
    assert sorted(p.name for p in fresh_python.parent.parent.rglob("site-packages/*")) == before


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("3", "3")])
def test_a_chapter_asks_for_one_thread_unless_the_reader_has_chosen(monkeypatch, before, after) -> None:
    """Beside another program, with two, chapter 2 took six times as long."""
    monkeypatch.setenv("OMP_NUM_THREADS", before or "")
    if before is None:
        monkeypatch.delenv("OMP_NUM_THREADS")
    exec((ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8"), {})
    assert os.environ["OMP_NUM_THREADS"] == after


def test_the_bootstrap_cell_is_silent_where_the_package_is() -> None:
    assert run_bootstrap(Path(sys.executable), ROOT) == ""
    assert run_bootstrap(Path(sys.executable), ROOT, TMS_FORCE_COLAB="1", TMS_UTILS_SOURCE="nowhere") == ""


def test_a_failed_fetch_is_an_error_that_names_its_cause(fresh_python: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-folder"):
        run_bootstrap(
            fresh_python, tmp_path, TMS_FORCE_COLAB="1", TMS_UTILS_SOURCE=str(tmp_path / "no-such-folder")
        )
