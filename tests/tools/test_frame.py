"""The files around the course: the lock, the workflows, the commands, the build's own changes to pages."""

import json
import re
import socket
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import book_extension
import jaxtyping
import lighter
import pytest
import torch
import yaml
from chapter import ROOT
from packaging.requirements import Requirement

from tms_utils import ToyModel

LOCK = [
    line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")
]


def run(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


# The lock -----------------------------------------------------------------------------------


def test_the_lock_holds_exact_versions_and_nothing_else() -> None:
    for line in LOCK:
        specifiers = list(Requirement(line).specifier)
        assert len(specifiers) == 1, line
        assert specifiers[0].operator == "==", line
        assert "+" not in specifiers[0].version, f"{line}: a local build, which others cannot install"
    assert "torch==2.13.0" in LOCK


def test_the_lock_leaves_gpu_libraries_out() -> None:
    assert [line for line in LOCK if re.match(r"nvidia|cuda|triton", line)] == []


def test_the_lock_answers_the_short_list() -> None:
    locked = {Requirement(line).name for line in LOCK}
    lines = (ROOT / "requirements.in").read_text().splitlines()
    wanted = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    assert {r.name for r in wanted} <= locked
    for requirement in wanted:
        if str(requirement.specifier):
            assert str(requirement) in LOCK


def test_the_environment_is_the_lock() -> None:
    for line in LOCK:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            installed = metadata.version(requirement.name).split("+")[0]
            assert installed in requirement.specifier, (
                f"{line}, but {installed} is installed; type: make book"
            )


def test_the_package_allows_the_locked_versions_and_pins_none() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, project["dependencies"]):
        assert all(s.operator == ">=" for s in requirement.specifier), (
            f"{requirement}: pinned without a reason"
        )
        assert metadata.version(requirement.name).split("+")[0] in requirement.specifier


# Commands and workflows ---------------------------------------------------------------------


def test_the_workflows_follow_githubs_schema() -> None:
    files = [str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    assert len(files) >= 2
    result = run(
        f"{Path(sys.executable).parent}/check-jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *files,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_workflows_are_safe() -> None:
    result = run(f"{Path(sys.executable).parent}/zizmor", "--offline", "--quiet", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_continuous_integration_runs_the_readmes_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in ci
    for command in ("make test", "make book"):
        assert re.search(rf"^{command}\b", readme, flags=re.MULTILINE)
        assert re.search(rf"^{command}$", ci, flags=re.MULTILINE)
    for workflow, command in (("test", "make test"), ("publish", "make book")):
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text()
        assert re.search(rf"^ *- run: {command}$", text, flags=re.MULTILINE), workflow


def test_every_command_that_the_texts_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "book").glob("*.md")]
    for page in pages:
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), flags=re.MULTILINE))
        assert named <= targets, f"{page.name} names make {named - targets}"


@pytest.fixture
def make(tmp_path: Path):
    """Run the course's Makefile with a Python that only prints its arguments, a line each; return what it did."""
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    for name in ("requirements.txt", "pyproject.toml", ".venv/.installed"):
        (tmp_path / name).touch()
    command = ["make", "--silent", "--file", str(ROOT / "Makefile"), "--directory", str(tmp_path)]
    return lambda *words: subprocess.run([*command, *words], capture_output=True, text=True, check=False)


ODD = """it's a "b" `touch c` $(touch d) $(shell touch e) $HOME $$ %s é.ipynb"""


def test_a_files_name_reaches_the_grader_as_it_is(make, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    result = make("grade", f"FILE={ODD}")
    assert result.stdout.splitlines() == ["scripts/grade.py", "--", ODD]
    result = make("grade", f"FILE={ODD}", f"JSON=a {ODD}")
    assert result.stdout.splitlines() == ["scripts/grade.py", "--json", f"a {ODD}", "--", ODD]
    assert make("chapter", f"TITLE={ODD}").stdout.splitlines() == ["scripts/skeleton.py", "--", ODD]
    assert sorted(tmp_path.iterdir()) == before, "the shell has looked into the name"


def test_an_address_reaches_its_script_as_it_is(make) -> None:
    words = make("repository", f"URL={ODD}", f"DOMAIN={ODD}").stdout.splitlines()
    assert words == ["scripts/repository.py", f"--domain={ODD}", "--", ODD]
    assert make("repository").stdout.splitlines() == ["scripts/repository.py"]


def test_a_command_without_what_it_needs_says_how_to_call_it(make) -> None:
    for command, example in (
        ("grade", "make grade FILE=../hand-ins OUT=../marks"),
        ("chapter", 'make chapter TITLE="A trial"'),
    ):
        result = make(command)
        assert (result.returncode, result.stdout.splitlines()[-1].endswith(example)) == (2, True)


def test_a_python_that_is_not_there_is_named(make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / ".installed").unlink()
    result = make("book", "PYTHON=python3.99")
    assert result.returncode == 2
    assert result.stdout.startswith("There is no command python3.99 here.")


def test_a_used_port_is_told_before_the_server_fails(make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin" / "jupyter-book").symlink_to("/bin/true")
    (tmp_path / ".venv" / "bin" / "python").unlink()
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    with socket.create_server(("localhost", 0)) as server:
        port = server.getsockname()[1]
        result = make("serve", f"PORT={port}")
    assert result.returncode == 2
    assert result.stdout.splitlines()[-1] == f"Port {port} is in use. Take another one: make serve PORT=8001"


def test_the_first_run_says_what_it_does_and_what_it_lacks(make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / ".installed").unlink()
    (tmp_path / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")  # pip finds no network
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    result = make("lab", f"PYTHON={python}")
    assert result.returncode == 2
    assert result.stdout.startswith("First use: an environment of its own, in .venv. pip fetches PyTorch")
    assert "is this machine online?" in result.stdout


def test_the_claims_take_seeds_chapters_and_a_length(make) -> None:
    words = make("claims", "SEEDS=1 2", "ONLY=05 06", "LENGTH=2").stdout.split()
    assert words == ["scripts/claims.py", "--seeds", "1", "2", "--length", "2", "--only", "05", "06"]
    assert make("claims").stdout.split() == ["scripts/claims.py", "--seeds", "100", "200", "--length", "1"]


def test_every_hook_of_the_environment_is_checked_before_tests_too() -> None:
    """What a commit checks, `make check` and `make test` check: style, words, the chapters' rules."""
    makefile = (ROOT / "Makefile").read_text()
    style = makefile.split("\nstyle:")[1].split("\n\n")[0]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = {hook["id"]: hook["entry"] for hook in hooks}
    assert set(entries) >= {"ruff-check", "ruff-format", "codespell", "rules"}
    for command in ("ruff check", "ruff format --check", "codespell", "python scripts/rules.py"):
        assert f"$(BIN)/{command}" in style
    for tier in ("check", "test"):
        assert re.search(rf"^{tier}:.*\bstyle\b", makefile, flags=re.MULTILINE)


# Elsewhere: a container, Binder, an index of packages ---------------------------------------------


def test_the_container_takes_what_the_package_asks_for_and_pytorch_for_the_cpu() -> None:
    packages = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text())["dependencies"]
    named = {
        Requirement(line).name: Requirement(line)
        for line in packages
        if isinstance(line, str) and ">" in line
    }
    named |= {r.name: r for line in packages if isinstance(line, dict) for r in map(Requirement, line["pip"])}
    renamed = {"torch": "pytorch-cpu", "matplotlib": "matplotlib-base"}  # as conda-forge has them
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in map(Requirement, project["dependencies"] + project["optional-dependencies"]["widgets"]):
        assert str(named[renamed.get(wanted.name, wanted.name)].specifier) == str(wanted.specifier), wanted
    assert "pytorch" not in named


def test_the_container_is_made_by_the_same_recipe_as_binder() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert "binder/environment.yml" in container["postCreateCommand"]
    assert "binder/postBuild" in container["postCreateCommand"]
    assert (ROOT / "binder" / "postBuild").stat().st_mode & 0o100
    assert run("bash", "-n", "binder/postBuild").returncode == 0


def test_the_package_has_a_page_of_its_own_on_an_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / project["readme"]).read_text(encoding="utf-8")
    assert project["readme"] == "tms_utils/README.md"
    assert len(page.splitlines()) < 40
    assert not re.search(r"\]\((?!https://)", page), "a link that leads nowhere from an index"
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)[1]
    ran = run(sys.executable, "-c", code)
    assert ran.returncode == 0, ran.stderr
    assert len(re.findall(r"0\.(?:39|40)\d*", ran.stdout)) > 20, "no pentagons"
    modules = {name for row in re.findall(r"(?m)^\| (`.*?) \|", page) for name in re.findall(r"`(\w+)`", row)}
    assert all(
        (ROOT / "tms_utils" / name).exists() or (ROOT / "tms_utils" / f"{name}.py").exists()
        for name in modules
    )


# The site -----------------------------------------------------------------------------------


def test_no_page_waits_for_the_icons_script(tmp_path: Path) -> None:
    icons = tmp_path / book_extension.ICONS
    icons.parent.mkdir(parents=True)
    icons.write_text("icons")
    page, other = tmp_path / "notebooks" / "a.html", tmp_path / "b.html"
    page.parent.mkdir()
    script = '  <script src="../_static/scripts/fontawesome.js?digest=1"></script>\n'
    page.write_text(f"<head>\n{script}</head>\nWe drop _static/scripts/fontawesome.js\n")
    other.write_text("<head></head>\n")
    (tmp_path / lighter.THEME).parent.mkdir()
    (tmp_path / lighter.THEME).touch()
    app = SimpleNamespace(outdir=str(tmp_path))
    book_extension.without_icon_script(app, error=None)
    book_extension.without_icon_script(app, error=None)  # a second build finds nothing to do
    assert page.read_text() == "<head>\n</head>\nWe drop _static/scripts/fontawesome.js\n"
    assert other.read_text() == "<head></head>\n"
    assert not icons.exists()


def test_a_changed_style_sheet_reaches_the_site(tmp_path: Path) -> None:
    ours, copy = tmp_path / "assets" / "a.css", tmp_path / "html" / "_static" / "a.css"
    for path in (ours, copy):
        path.parent.mkdir(parents=True)
        path.write_text("same")
    config = SimpleNamespace(html_static_path=["assets"], root_doc="first")
    app = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path / "html", config=config)
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == []
    ours.write_text("new!")
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == ["first"]
    copy.unlink()
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == ["first"]


# The tests themselves -------------------------------------------------------------------------


def test_shapes_are_checked_while_testing() -> None:
    wrong = torch.zeros(2, 5)  # expects (instances, batch, features)
    with pytest.raises(jaxtyping.TypeCheckError):
        ToyModel(5, 2)(wrong)
