"""What is handed out: everything that a student needs, and nothing that gives an answer away."""

import ast
import re
import shutil
import zipfile
from pathlib import Path

import nbformat
import pytest
import student
import yaml
from chapter import ROOT, Chapter, read, tags
from checking import CHAPTERS
from grading import plan
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tiny_course import tiny_chapter, write_course

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
SITE, REPOSITORY = CONFIG["html"]["baseurl"], CONFIG["repository"]["url"]
MINIMUM = 25  # characters: a shorter line, such as `return total`, may stand anywhere


def lines(cells: list[NotebookNode]) -> set[str]:
    """The lines that say something, without their indentation and comments."""
    bare = {re.sub(r"\s+# .*", "", line).strip() for cell in cells for line in cell.source.splitlines()}
    return {line for line in bare if len(line) >= MINIMUM}


def names(cells: list[NotebookNode], context: type) -> set[str]:
    """The names that code cells read (`ast.Load`) or give a value (`ast.Store`) outside of functions."""
    found = set()
    for cell in cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, context):
                found.add(node.id)
            elif isinstance(node, ast.FunctionDef) and context is ast.Store:
                found |= {node.name, *(argument.arg for argument in node.args.args)}
    return found


@pytest.fixture(scope="module")
def handed_out(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Chapter, Chapter, Path]]:
    """For each chapter: the course's, the student's, and where the latter was written."""
    folder = tmp_path_factory.mktemp("student")
    assert student.main(["--out", str(folder)]) == 0
    written = sorted(folder.glob("*.ipynb"))
    assert [path.name for path in written] == [path.name for path in CHAPTERS]
    return {
        ours.stem: (read(ours), read(theirs), theirs) for ours, theirs in zip(CHAPTERS, written, strict=True)
    }


every_chapter = pytest.mark.parametrize("chapter", [path.stem for path in CHAPTERS])


@every_chapter
def test_no_line_of_a_solution_survives(chapter: str, handed_out) -> None:
    ours, theirs, path = handed_out[chapter]
    solutions = [cell for cell in ours.cells if "solution" in tags(cell)]
    assert solutions, "the chapter has no solutions: is the tag still called that?"
    rest = [cell for cell in ours.cells if "solution" not in tags(cell)]
    secret = lines(solutions) - lines(rest)  # a stub to repair shares lines with its solution
    assert secret
    assert secret & lines(theirs.cells) == set()
    text = path.read_text(encoding="utf-8")
    assert [line for line in secret if line in text] == []
    assert not re.search(r"<summary>\s*(Answer|Solution)|# @title Solution|\bsolution_\w+", text)
    assert "passed." not in text, "an output says that an exercise was passed"


@every_chapter
def test_nothing_promises_a_solution(chapter: str, handed_out) -> None:
    _, theirs, _ = handed_out[chapter]
    text = re.split(r"^## Exercises", theirs.markdown, flags=re.MULTILINE)[1].split("## What we checked")[0]
    assert re.findall(r".*(?:folded|\b[Tt]he) solution\b.*", text) == []


@every_chapter
def test_stubs_hints_and_checks_stay(chapter: str, handed_out) -> None:
    ours, theirs, _ = handed_out[chapter]
    for tag in ("exercise", "check"):
        assert [c.source for c in theirs.cells if tag in tags(c)] == [
            c.source for c in ours.cells if tag in tags(c)
        ]
    hints = [chapter.markdown.count("<summary>Hint") for chapter in (ours, theirs)]
    assert hints[0] == hints[1] > 0
    nbformat.validate(theirs.notebook)
    for cell in theirs.cells:
        assert cell.source.count("<details>") == cell.source.count("</details>")
        if cell.cell_type == "code" and "exercise" in cell.metadata:
            assert cell.outputs == []
            assert cell.execution_count is None


LINK = re.compile(r"\]\([^)]*\)")  # where a link leads is another test's question


@every_chapter
def test_it_opens_in_colab_as_the_chapter_does(chapter: str, handed_out) -> None:
    ours, theirs, _ = handed_out[chapter]
    assert theirs.cells[1] == ours.cells[1], "the bootstrap cell must stay as it is"
    opens_itself = f"/blob/main/notebooks/{chapter}.ipynb"
    assert opens_itself in ours.cells[0].source
    assert opens_itself not in theirs.cells[0].source, "that opens the chapter with its solutions"
    assert "(https://colab.research.google.com), choose *Upload*" in theirs.cells[0].source
    other_lines = [
        [LINK.sub("]", line) for line in chapter.cells[0].source.splitlines() if "Colab" not in line]
        for chapter in (ours, theirs)
    ]
    assert other_lines[0] == other_lines[1]


@every_chapter
def test_an_answer_in_words_has_a_place(chapter: str, handed_out) -> None:
    ours, theirs, _ = handed_out[chapter]
    in_words = [exercise.number for exercise in ours.exercises if exercise.check is None]
    places = [c for c in theirs.cells if c.source == student.PROMPT]
    assert [c.metadata.exercise for c in places] == in_words
    assert not any(tags(c) for c in places)


@every_chapter
def test_its_links_do_not_need_the_repository(chapter: str, handed_out) -> None:
    _, theirs, _ = handed_out[chapter]
    text = "\n".join(re.sub(r"`[^`\n]*`", "", c.source) for c in theirs.cells if c.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        assert link.startswith(("https://", "http://", "#")), link
        if link.startswith(SITE):
            page = link.removeprefix(SITE).split("#")[0].removesuffix(".html")
            assert any((ROOT / page).with_suffix(ending).exists() for ending in (".md", ".ipynb")), link


@every_chapter
def test_nothing_that_stays_needs_a_solution(chapter: str, handed_out) -> None:
    ours, theirs, _ = handed_out[chapter]
    solved = names([c for c in ours.cells if "solution" in tags(c)], ast.Store)
    missing = (solved & names(theirs.cells, ast.Load)) - names(theirs.cells, ast.Store)
    assert not missing, f"without the solutions, {missing} would be undefined"


@every_chapter
def test_every_zip_holds_the_chapter_and_a_note(chapter: str, handed_out, tmp_path: Path) -> None:
    _, _, path = handed_out[chapter]
    with zipfile.ZipFile(path.with_suffix(".zip")) as archive:
        assert archive.namelist() == [f"{chapter}/{chapter}.ipynb", f"{chapter}/README.txt"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read(f"{chapter}/{chapter}.ipynb") == path.read_bytes()
        assert f"git+{REPOSITORY}" in archive.read(f"{chapter}/README.txt").decode()
    student.hand_out(ROOT / "notebooks" / path.name, tmp_path, SITE, REPOSITORY)
    assert (tmp_path / f"{chapter}.zip").read_bytes() == path.with_suffix(".zip").read_bytes()


def test_cells_are_known_by_the_tag_solution_alone() -> None:
    """However a solution is folded in the book; and the place for a written answer is not folded."""
    ours = tiny_chapter()
    for cell in ours.cells:
        if "solution" in tags(cell):
            cell.metadata.tags = (
                ["solution", "hide-input"] if cell.cell_type == "code" else ["hide-cell", "solution"]
            )
    theirs = Chapter(student.without_answers(ours))
    assert [e.solution for e in theirs.exercises] == [None] * 4
    assert [len(e.stubs) for e in theirs.exercises] == [1, 1, 1, 0]
    (place,) = (cell for cell in theirs.cells if cell.source == student.PROMPT)
    assert (place.metadata, tags(place)) == ({"exercise": "1.4"}, set())
    assert len(theirs.cells) == len(ours.cells) - 3


def test_an_answer_in_words_beside_a_check_goes() -> None:
    ours = tiny_chapter()
    ours.cells.append(
        new_markdown_cell("So.", metadata={"exercise": "1.2", "tags": ["hide-cell", "solution"]})
    )
    theirs = student.without_answers(ours)
    assert [cell.metadata.exercise for cell in theirs.cells if cell.source == student.PROMPT] == ["1.4"]
    assert not any("So." in cell.source for cell in theirs.cells)


def test_the_chapters_of_a_course_are_handed_out_and_nothing_else(tmp_path: Path) -> None:
    course = write_course(tmp_path / "course")
    shutil.copy(ROOT / "_config.yml", course)
    nbformat.write(tiny_chapter(), course / "notebooks" / "Untitled.ipynb")
    assert student.main(["--course", str(course)]) == 0
    names = [f"{stem}{ending}" for stem in ("01_tiny", "10_tiny") for ending in (".ipynb", ".zip")]
    assert sorted(path.name for path in (course / "_build" / "student").iterdir()) == names


def test_answers_go_and_hints_stay_within_one_cell() -> None:
    text = "Why?\n\n<details><summary>Hint</summary>\n\nThink.\n\n</details>\n\n"
    answer = "<details>\n<summary>Answer: the short one</summary>\n\nBecause.\n\n</details>\n\n"
    notebook = new_notebook(
        cells=[
            new_markdown_cell(text + answer + text + "And then?"),
            new_markdown_cell(answer),
            new_code_cell(
                "x = None",
                metadata={"exercise": "1.1", "tags": ["exercise"]},
                outputs=[new_output("stream", text="secret")],
                execution_count=3,
            ),
            new_code_cell("print(1)", outputs=[new_output("stream", text="1")], execution_count=4),
            new_code_cell("x = 4", metadata={"exercise": "1.1", "tags": ["solution"]}),
        ]
    )
    before = nbformat.writes(notebook)
    first, stub, other = student.without_answers(notebook).cells
    assert first.source == text + text + "And then?"
    assert (stub.outputs, stub.execution_count) == ([], None)
    assert (other.outputs[0].text, other.execution_count) == ("1", 4)
    assert nbformat.writes(notebook) == before, "the chapter itself must not change"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("Each has a stub, a check and a folded solution. So.", "Each has a stub and a check. So."),
        ("Why? (The solution also measures *x*, and y.)\n\nSo.", "Why? \n\nSo."),
        ("Try. The solution then runs it. Predict.", "Try. Predict."),
        ("So. Before you open the solution, try it.", "So. Try it."),
        ("the solution of the density before", "the solution of the density before"),
    ],
)
def test_a_hand_out_speaks_of_no_solution(ours: str, theirs: str) -> None:
    assert student.without_promises(ours) == theirs


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](02_next.ipynb)", "[a](https://site.example/x/notebooks/02_next.html)"),
        ("[a](02_next.ipynb#2-1-part)", "[a](https://site.example/x/notebooks/02_next.html#2-1-part)"),
        ("[a](../book/references.md)", "[a](https://site.example/x/book/references.html)"),
        ("[a](#here)", "[a](#here)"),
        ("[a](https://colab.example/01_x.ipynb)", "[a](https://colab.example/01_x.ipynb)"),
    ],
)
def test_links_lead_to_the_published_pages(link: str, expected: str) -> None:
    notebook = new_notebook(cells=[new_markdown_cell(link)])
    assert student.with_links_to_site(notebook, "https://site.example/x/").cells[0].source == expected


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_nobody_has_written_anything_in_an_untouched_hand_out(path: Path, tmp_path: Path) -> None:
    ours = read(path)
    handed_out = read(student.hand_out(path, tmp_path, SITE, REPOSITORY))
    where, given = (plan.regions(one, ours.exercises) for one in (handed_out, ours))
    for one in ours.exercises:
        only_code = one.check is not None
        new = plan.written(handed_out, where[one.number], ours, given[one.number], code_only=only_code)
        assert new == "", f"exercise {one.number}"
