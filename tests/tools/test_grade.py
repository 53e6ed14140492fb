"""Marking ordinary hand-ins of a made-up course, one or a folder of them, from the command line to the report."""

import json
import shutil
from pathlib import Path

import grade
import nbformat
import pytest
from chapter import Chapter
from grading import handed_in, plan
from grading.course import Course
from grading.marks import Mark, Report
from grading.report import as_text, faults
from nbformat.v4 import new_code_cell, new_markdown_cell
from student import PROMPT
from tiny_course import SOLVED, UNTOUCHED, hand_in, stub_of, tiny_chapter, write_course

PASSED = ["passed"] * 3


def test_an_untouched_chapter_is_not_attempted(marked, statuses) -> None:
    report = marked(tiny_chapter())
    assert statuses(report) == ["not attempted"] * 3, "a faulty stub left as it came is no wrong repair"
    assert report.marks[2].message == "Nothing is changed yet."
    assert report.marks[3].status == "not attempted"
    assert report.count() == (0, 3)


def test_a_repair_that_only_deletes_is_an_attempt(marked, statuses) -> None:
    notebook = tiny_chapter()
    stub_of(notebook, 3).source = UNTOUCHED[2].replace("    x = x + 0\n", "")
    assert statuses(marked(notebook)) == ["not attempted", "not attempted", "failed"]


def test_an_answer_in_words_is_shown_to_be_read(marked) -> None:
    notebook = hand_in()
    place = next(i for i, c in enumerate(notebook.cells) if "1.4: in words" in c.source) + 1
    notebook.cells.insert(place, new_markdown_cell(f"{PROMPT}\n\nBecause two\nmakes four."))
    report = marked(notebook)
    assert (report.marks[3].status, report.marks[3].message) == ("to read", "Because two\nmakes four.")
    assert report.count() == (3, 3)
    assert "to read        Because two makes four." in as_text(report)


def test_a_solved_chapter_passes(marked, statuses) -> None:
    report = marked(hand_in())
    assert statuses(report) == PASSED
    assert report.marks[0].message == "Twice, in chapter 1."
    assert (report.chapter, report.count(), report.notes) == (1, (3, 3), [])


def test_a_wrong_answer_gets_the_checks_message(marked, statuses) -> None:
    report = marked(hand_in(e1="def double(x):\n    return x * x", e2='prediction = "C"'))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert [found.message for found in report.marks[:2]] == ["That is the square.", "Not C."]


def test_answers_may_stand_in_cells_of_their_own(marked, statuses) -> None:
    notebook = tiny_chapter()
    for k, answer in enumerate(SOLVED, 1):
        stub = notebook.cells.index(stub_of(notebook, k))
        notebook.cells[stub + 1 : stub + 1] = [new_markdown_cell("## My answer"), new_code_cell("helper = 2")]
        notebook.cells.insert(stub + 4, new_code_cell(answer))  # below the check
    assert statuses(marked(notebook)) == PASSED


def test_lost_metadata_and_headings_do_no_harm(marked, statuses) -> None:
    notebook = hand_in()
    notebook.cells = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        cell.metadata = nbformat.NotebookNode()
    notebook.metadata = nbformat.NotebookNode()
    assert statuses(marked(notebook)) == PASSED  # found by the headings or the names
    wanted = Chapter(tiny_chapter()).exercises
    found = plan.regions(Chapter(notebook), wanted)
    assert all(found[number] for number in ("1.1", "1.2", "1.3", "1.4"))  # 1.4 has no names: by its heading
    notebook.cells = [c for c in notebook.cells if not c.source.startswith("### ")]
    assert statuses(marked(notebook)) == PASSED  # found by the names


def test_a_hand_out_of_another_version_is_noticed(marked, statuses) -> None:
    notebook = hand_in()
    for cell in notebook.cells:
        cell.source = cell.source.replace("### Exercise 1.2: a title", "### Exercise 1.2: another")
    report = marked(notebook)
    assert statuses(report) == PASSED
    assert report.notes[0].startswith(
        "in the course 1.2 has another title: was it handed out from another version?"
    )


def test_an_answer_in_words_keeps_all_of_its_lines(marked) -> None:
    notebook = hand_in()
    answer = next(cell for cell in notebook.cells if cell.source == "Because.")
    assert marked(notebook).marks[3].status == "not attempted", (
        "the published chapter's own answer, as it came"
    )
    answer.source = (
        "*Your answer:* I ran\n\none = 1\nBecause."  # lines that also stand elsewhere in the chapter
    )
    mark = marked(notebook).marks[3]
    assert (mark.status, mark.message) == ("to read", "I ran\n\none = 1\nBecause.")
    answer.source = "*Your answer:*"
    assert marked(notebook).marks[3].status == "not attempted"


def test_an_answer_by_another_name_is_an_attempt(marked, statuses) -> None:
    report = marked(hand_in(e1="def dubble(x):\n    return 2 * x"))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert report.marks[0].message == "The name 'double' is not defined."


def test_a_missing_exercise_is_not_attempted(marked, statuses) -> None:
    notebook = hand_in()
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("exercise") != "1.2" and "Exercise 1.2" not in c.source
    ]
    notebook.cells = notebook.cells[:-1]  # where the chapter's end gives `prediction` a value
    report = marked(notebook)
    assert statuses(report) == ["passed", "not attempted", "passed"]
    assert report.marks[1].message == "This exercise is not in the notebook."


def test_the_exercises_end_where_the_next_section_begins() -> None:
    ours = Chapter(tiny_chapter())
    where = plan.regions(ours, ours.exercises)
    assert ours.cells[max(where["1.4"]) + 1].source == "## What we checked"


# Files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("{", "not a readable notebook"),
        ("[1, 2]", "not a readable notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a readable notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "no chapter of this course"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {"tms": {"chapter": 7}}, "cells": []}',
            "chapter 7, which this course lacks",
        ),
    ],
)
def test_a_file_that_is_no_chapter_is_named(text: str, said: str, course: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_text(text)
    report = grade.grade(path, course)
    assert said in report.error
    assert report.fault == "notebook"
    assert as_text(report).startswith("odd.ipynb: NOT MARKED: ")
    assert faults([report]) == ""


def test_a_folder_is_marked_to_the_end(course: Path, tmp_path: Path, capsys) -> None:
    folder, marks = tmp_path / "hand-ins", tmp_path / "marks.json"
    (folder / "late").mkdir(parents=True)
    (folder / "a broken one.ipynb").write_text("{")
    nbformat.write(hand_in(), folder / "late" / "b.ipynb")
    nbformat.write(tiny_chapter(), folder / "c.ipynb")
    (folder / ".ipynb_checkpoints").mkdir()
    shutil.copy(folder / "c.ipynb", folder / ".ipynb_checkpoints" / "c.ipynb")
    (folder / "late" / "d.zip").write_bytes(b"PK")
    (folder / ".DS_Store").write_bytes(b"")
    assert grade.main([str(folder), "--json", str(marks), "--course", str(course)]) == 0
    printed = capsys.readouterr().out
    assert "a broken one.ipynb: NOT MARKED" in printed
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert "chapter 1 1.1 1.2 1.3 1.4 passed" in rows
    assert "c.ipynb - - - - 0 of 3" in rows
    assert "late/b.ipynb pass pass pass - 3 of 3" in rows
    assert "\n\nnot marked: a broken one.ipynb\n\nleft out, being no .ipynb: late/d.zip (" in printed
    stored = json.loads(marks.read_text())
    assert [entry["file"] for entry in stored] == ["a broken one.ipynb", "c.ipynb", "late/b.ipynb"]
    assert stored[2]["marks"][0] == {
        "exercise": "1.1",
        "status": "passed",
        "message": "Twice, in chapter 1.",
        "checked": True,
        "points": 1,
        "earned": 1,
        "title": "a title",
    }
    assert ("fault" in stored[0], "fault" in stored[1]) == (True, False)


def test_a_file_may_have_any_name(course: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    name = "-x `y` $HOME \"z'.ipynb"
    Path(name).write_text("{")
    assert grade.main(["--course", str(course), "--", name]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: NOT MARKED: not a readable notebook")


def test_an_empty_name_is_not_the_folder_one_is_in(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        grade.main([""])
    assert stopped.value.code == 2
    assert "expected a notebook or a folder, but got an empty name" in capsys.readouterr().err


# The course's own chapters ------------------------------------------------------------------


def test_only_the_chapter_that_was_handed_in_is_read(marked, statuses, tmp_path: Path) -> None:
    course = write_course(tmp_path / "course")
    (course / "notebooks" / "01_tiny.ipynb").write_text("{")
    (course / "tms_utils" / "checks" / "chapter_01.py").write_text("1 / 0")
    report = marked(tiny_chapter(SOLVED, number=10), course=course)
    assert statuses(report) == PASSED
    assert (report.chapter, report.marks[0].message) == (10, "Twice, in chapter 10.")


def test_a_scratch_notebook_is_no_chapter(tmp_path: Path) -> None:
    course = write_course(tmp_path / "course")
    scratch = tiny_chapter()
    scratch.cells[0].source = "# 1. Scratch"
    for name in ("Untitled.ipynb", "1_scratch.ipynb", "01_tiny_Copy.ipynb"):
        nbformat.write(scratch, course / "notebooks" / name)
    assert handed_in.reference(Course(course), 1).title == "Tiny"


def test_a_chapter_with_another_number_is_the_courses_fault(marked, tmp_path: Path) -> None:
    course = write_course(tmp_path / "course")
    nbformat.write(tiny_chapter(number=2), course / "notebooks" / "01_tiny.ipynb")
    report = marked(hand_in(), course=course)
    assert report.fault == "grader"
    assert "expected the course's 01_tiny.ipynb to be chapter 1, but it says 2" in report.error


def test_a_fault_of_the_course_is_told_from_one_of_the_notebook(course: Path, tmp_path: Path, capsys) -> None:
    assert grade.main([str(tmp_path / "nothing-here")]) == 1
    assert grade.main([str(tmp_path)]) == 1
    assert "no notebook there" in capsys.readouterr().err
    path = tmp_path / "fine.ipynb"
    nbformat.write(hand_in(), path)
    shutil.copytree(course / "notebooks", tmp_path / "bare" / "notebooks")  # a course without its package
    assert grade.main([str(path), "--course", str(tmp_path / "bare")]) == 1
    said = capsys.readouterr().err
    assert "At fault is the course, no student" in said
    assert "could not be prepared" in said


# The report ---------------------------------------------------------------------------------


def test_reports_show_no_control_characters() -> None:
    found = Mark("1.1", "failed", "red \x1b[31m and\nlong " + 1000 * "x")
    text = as_text(Report("a.ipynb", 1, marks=[found]))
    assert "\x1b" not in text
    assert len(text) < 1000


def test_one_broken_cell_does_not_bury_the_table() -> None:
    notes = [f"cell {i} raised NameError" for i in range(1, 31)]
    text = as_text(Report("a.ipynb", 1, notes=notes))
    assert "cell 3 raised" in text
    assert "cell 4 raised" not in text
    assert "and 27 more cells" in text
