"""The repository's address: in one place, the same everywhere, and changed by one command."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import chapter
import nbformat
import pytest
import repository
import yaml
from chapter import ROOT
from nbformat.v4 import new_markdown_cell, new_notebook

FORK = "https://github.com/Ada-L/tms.fork_2"


@pytest.fixture
def whole_course(tmp_path: Path) -> Path:
    """A copy of every file that holds the address."""
    return copied(repository.that_may(ROOT), tmp_path)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The same with few chapters, one at least: figures make them large."""
    chapters = chapter.numbered()[2:]
    return copied([path for path in repository.that_may(ROOT) if path not in chapters], tmp_path)


def copied(paths: Iterable[Path], tmp_path: Path) -> Path:
    """These files of the course, and an example of a chapter, in another place."""
    for path in paths:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    (tmp_path / "notebooks").mkdir(exist_ok=True)
    owner, name = repository.current(ROOT)
    link = f"https://colab.research.google.com/github/{owner}/{name}/blob/main/notebooks/99_example.ipynb"
    source = f"https://github.com/{owner}/{name}"
    (tmp_path / "notebooks" / "99_example.ipynb").write_text(
        f'{{"cells": "[Colab]({link}) git+{source}\\n"}}'
    )
    return tmp_path


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_address_agrees() -> None:
    assert repository.disagreements(ROOT) == []
    owner, name = repository.current(ROOT)
    for path in repository.that_may(ROOT):
        text = path.read_text(encoding="utf-8")
        for found in re.findall(
            rf"https://[\w-]+\.github\.io/{name}\b|https://github\.com/[\w-]+/{name}\b", text
        ):
            assert found in (
                f"https://{owner.lower()}.github.io/{name}",
                f"https://github.com/{owner}/{name}",
            ), path


def test_the_site_is_served_from_the_repository() -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    pages = repository.pages_address(*repository.current(ROOT))
    assert config["html"]["baseurl"] == pages
    assert config["sphinx"]["config"]["ogp_site_url"] == pages


def test_one_command_changes_every_address(whole_course: Path) -> None:
    old = "/".join(repository.current(whole_course))
    changed = repository.set_repository(FORK, whole_course)
    assert len(changed) >= 6
    assert repository.disagreements(whole_course) == []
    for path, text in snapshot(whole_course).items():
        assert old.encode() not in text, path
    for page in ("README.md", "book/how-to-use.md"):
        assert f"git clone {FORK}\ncd tms.fork_2\n" in (whole_course / page).read_text(), page
    config = yaml.safe_load((whole_course / "_config.yml").read_text())
    assert config["repository"]["url"] == FORK
    assert config["html"]["baseurl"] == "https://ada-l.github.io/tms.fork_2/"
    assert (
        "Ada-L/tms.fork_2/blob/main/notebooks/99"
        in (whole_course / "notebooks" / "99_example.ipynb").read_text()
    )


def test_changing_it_back_restores_every_byte(whole_course: Path) -> None:
    before = snapshot(whole_course)
    address = "https://github.com/" + "/".join(repository.current(whole_course))
    repository.set_repository(FORK, whole_course)
    repository.set_repository(address, whole_course)
    assert snapshot(whole_course) == before


@pytest.mark.parametrize(
    "url", ["https://github.com/a/b.git", "https://github.com/a/b/"], ids=["with .git", "with a slash"]
)
def test_usual_spellings_are_understood(course: Path, url: str) -> None:
    repository.set_repository(url, course)
    assert repository.current(course) == ("a", "b")
    assert repository.disagreements(course) == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "github.com/a/b",
        "git@github.com:a/b.git",
        "http://github.com/a/b",
        "https://gitlab.com/a/b",
        "https://github.com/a",
        "https://github.com/a/b/tree/main",
        "https://github.com/-a/b",
        "https://github.com/a/..",
        'https://github.com/a/b"',
        "https://github.com/a/b c",
    ],
)
def test_a_bad_address_changes_nothing(course: Path, url: str) -> None:
    before = snapshot(course)
    with pytest.raises(ValueError, match="expected an address such as https://github.com/you/fork, but got"):
        repository.set_repository(url, course)
    assert snapshot(course) == before


@pytest.mark.parametrize("name", ["README.md", "scripts/bootstrap.py", "notebooks/99_example.ipynb"])
def test_a_disagreement_is_noticed(course: Path, name: str) -> None:
    old = "/".join(repository.current(course))
    path = course / name
    path.write_text(path.read_text().replace(old, "somebody/else"))
    assert any(name in problem for problem in repository.disagreements(course))


def test_a_colab_link_to_another_chapter_is_noticed(course: Path) -> None:
    path = course / "notebooks" / "99_example.ipynb"
    text = path.read_text()
    path.write_text(text.replace("99_example.ipynb", "98_gone.ipynb"))
    assert any("no such file" in problem for problem in repository.disagreements(course))
    shutil.copy(path, path.with_name("98_gone.ipynb"))
    assert any("99_example.ipynb" in p and "not itself" in p for p in repository.disagreements(course))


@pytest.mark.parametrize(("old", "new"), [("google.com/github/", "google.com/github/x"), ("main", "master")])
def test_a_colab_link_elsewhere_is_noticed(course: Path, old: str, new: str) -> None:
    path = course / "notebooks" / "99_example.ipynb"
    path.write_text(path.read_text().replace(old, new))
    assert any("99_example.ipynb opens" in problem for problem in repository.disagreements(course))


def test_a_forgotten_placeholder_is_noticed(course: Path) -> None:
    repository.set_repository(FORK, course)
    (course / "book" / "troubleshooting.md").write_text("https://github.com/your-name/x/issues\n")
    assert any("placeholder" in problem for problem in repository.disagreements(course))


def test_a_scratch_notebook_need_not_name_it(course: Path) -> None:
    scratch = course / "notebooks" / "Untitled.ipynb"
    scratch.write_text('{"cells": []}')
    assert repository.disagreements(course) == []
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# 98. A chapter")]), course / "notebooks" / "98_chapter.ipynb"
    )
    assert [p.split()[0] for p in repository.disagreements(course)] == ["notebooks/98_chapter.ipynb"]


def test_the_command_reports_and_refuses(course: Path, capsys) -> None:
    assert repository.main([], course) == 0
    assert capsys.readouterr().out.startswith("Every link points at https://github.com/")
    before = snapshot(course)
    assert repository.main(["https://gitlab.com/a/b"], course) == 2
    assert capsys.readouterr().err.startswith("Nothing was changed: expected an address such as")
    for arguments, status in (([FORK, "more"], 2), (["--help"], 0)):
        with pytest.raises(SystemExit) as stopped:
            repository.main(arguments, course)
        assert stopped.value.code == status
    assert snapshot(course) == before


def test_the_command_rewrites(course: Path, capsys) -> None:
    assert repository.main([FORK], course) == 0
    assert f"files now point at {FORK}" in capsys.readouterr().out
    assert repository.current(course) == ("Ada-L", "tms.fork_2")


def test_longer_names_are_left_alone() -> None:
    text = (
        "https://github.com/a/bc https://github.com/a/b-c https://github.com/a/b.c (https://github.com/a/b)."
    )
    assert repository.repoint(text, ("a", "b"), ("x", "y")) == text.replace("a/b)", "x/y)")


def test_a_user_page_lives_at_the_top() -> None:
    assert repository.pages_address("Ada", "ada.github.io") == "https://ada.github.io/"
    assert repository.pages_address("Ada", "tms") == "https://ada.github.io/tms/"


# A root repository, a domain of one's own, a branch of another name ---------------------------------


@pytest.mark.parametrize(
    ("url", "domain", "site"),
    [
        ("https://github.com/Ada/ada.github.io", "", "https://ada.github.io/"),
        ("https://github.com/ada/tms", "Course.Example.org", "https://course.example.org/"),
        ("https://github.com/ada/ada.github.io", "example.org", "https://example.org/"),
    ],
    ids=["root repository", "domain", "both"],
)
def test_the_book_can_live_at_the_top_of_a_host(course: Path, url: str, domain: str, site: str) -> None:
    before = snapshot(course)
    old, old_site = repository.current(course), repository.site(course)
    repository.set_repository(url, course, domain)
    assert repository.disagreements(course) == []
    config = yaml.safe_load((course / "_config.yml").read_text())
    assert config["html"]["baseurl"] == config["sphinx"]["config"]["ogp_site_url"] == site
    assert f'id="home" href="{site}"' in (course / "book" / "assets" / "404.html").read_text()
    for path, text in snapshot(course).items():
        assert old_site.encode() not in text, path
        assert b"github.io/toy-models" not in text, path
    repository.set_repository("https://github.com/" + "/".join(old), course)
    assert snapshot(course) == before


@pytest.mark.parametrize(
    "domain", ["https://example.org", "example", "you.github.io", "a b.org", "-a.org", "a.org/x"]
)
def test_what_is_no_domain_changes_nothing(course: Path, domain: str, capsys) -> None:
    before = snapshot(course)
    assert repository.main([FORK, f"--domain={domain}"], course) == 2
    assert "expected a domain of your own, such as course.example.org" in capsys.readouterr().err
    assert snapshot(course) == before


def test_a_domain_alone_keeps_the_repository(course: Path, capsys) -> None:
    old = repository.current(course)
    assert repository.main(["--domain", "course.example.org"], course) == 0
    said = capsys.readouterr().out
    assert "the book's address is https://course.example.org/" in said
    assert "course.example.org as the custom domain" in said
    assert repository.current(course) == old


def test_another_branch_is_refused_with_a_sentence(course: Path, capsys) -> None:
    before = snapshot(course)
    assert repository.main([f"{FORK}/tree/trunk"], course) == 2
    assert "names the branch trunk, but the course is published" in capsys.readouterr().err
    assert snapshot(course) == before
    config = course / "_config.yml"
    config.write_text(config.read_text().replace("branch: main", "branch: trunk"))
    assert any("names the branch trunk" in problem for problem in repository.disagreements(course))


def test_a_checkout_of_another_branch_is_told(course: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(repository, "checked_out", lambda root: "trunk")
    assert repository.main([FORK], course) == 0
    assert "You are on the branch trunk: " in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    assert repository.checked_out(course) == ""  # no git program


def test_a_fork_is_told_to_enable_its_workflows(course: Path, capsys) -> None:
    assert repository.main([FORK], course) == 0
    assert "enable the workflows (a fork's are off)" in capsys.readouterr().out


def test_an_address_of_the_old_place_is_noticed(course: Path) -> None:
    old = repository.pages_address(*repository.current(course))
    repository.main(["--domain", "course.example.org"], course)
    (course / "book" / "troubleshooting.md").write_text(f"See {old}book/paper.html\n")
    assert any(
        "but the book is at https://course.example.org/" in p for p in repository.disagreements(course)
    )


@pytest.mark.parametrize("page", ["README.md", "book/instructors.md"])
def test_whoever_forks_reads_that_workflows_must_be_enabled(page: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split()).replace("**", "")
    assert re.search(r"enable its workflows.*choose \*GitHub Actions\* as the source", text)
