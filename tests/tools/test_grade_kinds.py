"""Ordinary hand-ins that were once marked wrongly: each stands for a kind."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from chapter import tags
from grading.handed_in import read
from grading.kernel import Limits
from nbformat.v4 import new_code_cell, new_markdown_cell
from tiny_course import CALLS, SOLVED, UNTOUCHED, hand_in, stub_of, tiny_chapter, write_course

PASSED = ["passed"] * 3


def position(notebook: nbformat.NotebookNode, source: str) -> int:
    return next(i for i, cell in enumerate(notebook.cells) if cell.source == source)


# Where an exercise stands ---------------------------------------------------------------------


def copied_up(notebook: nbformat.NotebookNode) -> None:
    scratch = new_code_cell("prediction = 'A'", metadata={"exercise": "1.2", "tags": ["exercise"]})
    notebook.cells.insert(2, scratch)


def moved_to_the_end(notebook: nbformat.NotebookNode) -> None:
    for source in (SOLVED[1], CALLS[1]):
        notebook.cells.append(notebook.cells.pop(position(notebook, source)))


def done_again_below(notebook: nbformat.NotebookNode) -> None:
    stub_of(notebook, 2).source = "prediction = 'A'"
    notebook.cells += [new_code_cell("prediction = 'B'"), new_code_cell(f"print({CALLS[1]})")]


def copied_down_as_it_came(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.append(new_code_cell(UNTOUCHED[1], metadata={"exercise": "1.2", "tags": ["exercise"]}))


def check_above_the_answer(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(position(notebook, SOLVED[1]), notebook.cells.pop(position(notebook, CALLS[1])))


def typed_into_the_check(notebook: nbformat.NotebookNode) -> None:
    stub_of(notebook, 2).source = UNTOUCHED[1]
    notebook.cells[position(notebook, CALLS[1])].source = f"prediction = 'B'\n{CALLS[1]}"


def handed_to_the_check(notebook: nbformat.NotebookNode) -> None:
    stub_of(notebook, 2).source = "my_prediction = 'B'"
    notebook.cells[position(notebook, CALLS[1])].source = "%time\ncheck_answer(my_prediction)"


@pytest.mark.parametrize(
    "place",
    [
        copied_up,
        moved_to_the_end,
        done_again_below,
        copied_down_as_it_came,
        check_above_the_answer,
        typed_into_the_check,
        handed_to_the_check,
    ],
)
def test_what_the_last_check_says_counts_wherever_it_stands(marked, statuses, place) -> None:
    notebook = hand_in()
    place(notebook)
    assert statuses(marked(notebook)) == PASSED


def test_the_last_check_counts_also_if_it_says_no(marked, statuses) -> None:
    notebook = hand_in()
    notebook.cells += [new_code_cell("prediction = 'C'"), new_code_cell(CALLS[1])]
    report = marked(notebook)
    assert statuses(report) == ["passed", "failed", "passed"]
    assert report.marks[1].message == "Not C."


def test_a_solution_that_came_with_the_chapter_is_not_run(marked, statuses) -> None:
    notebook = tiny_chapter()
    for cell in notebook.cells:
        if tags(cell) == {"hide-cell", "solution"} and cell.cell_type == "code":
            cell.source = f"{SOLVED[1]}\n{CALLS[1]}" if cell.metadata.exercise == "1.2" else cell.source
    assert statuses(marked(notebook)) == ["not attempted", "passed", "not attempted"], "it was changed"
    assert statuses(marked(tiny_chapter())) == ["not attempted"] * 3


# What is untouched, and what is an error ------------------------------------------------------


@pytest.mark.parametrize("change", [lambda s: s.replace("\n", "\r\n"), lambda s: f"{s}  # \n\n", str.rstrip])
def test_untouched_code_is_not_attempted_however_it_is_laid_out(marked, statuses, change) -> None:
    notebook = tiny_chapter(tuple(map(change, UNTOUCHED)))
    stub_of(notebook, 3).source = change(UNTOUCHED[2].replace("x + 0", "(x+0)").replace("/ 2", "/2"))
    assert statuses(marked(notebook)) == ["not attempted"] * 3


def test_code_to_mend_is_known_as_the_students_check_knows_it(marked, statuses, tmp_path: Path) -> None:
    course = write_course(tmp_path / "course", own_exercise=True)
    notebook = tiny_chapter()
    stub = stub_of(notebook, 3)
    stub.source, half = stub.source.split("\n\n")
    place = notebook.cells.index(stub)
    notebook.cells[place:place] = [new_code_cell(half), new_code_cell("print(half(3))")]
    report = marked(notebook, Limits(memory=2), course)
    assert statuses(report) == ["not attempted"] * 3
    assert report.marks[2].message == "Nothing is changed yet."


def test_only_the_stubs_own_words_mean_not_attempted(marked, statuses, tmp_path: Path) -> None:
    course = write_course(tmp_path / "course", own_exercise=True)
    forgotten = (
        "def double(x):\n    raise NotImplementedError('Module [A] is missing the required \"forward\"')"
    )
    notebook = hand_in(e1=forgotten, e2="prediction = None")
    report = marked(notebook, Limits(memory=2), course)
    assert statuses(report) == ["failed", "not attempted", "passed"]
    assert "missing the required" in report.marks[0].message


def test_an_endless_loop_below_a_right_answer_fails(marked, statuses) -> None:
    report = marked(hand_in(e1=f"{SOLVED[0]}\nwhile True:\n    pass"))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert report.marks[0].message.startswith(
        "A cell of this exercise ran for more than 2 seconds; what it defines"
    )


# What hand-ins bring along --------------------------------------------------------------------


def test_colab_is_not_missed(marked, statuses) -> None:
    notebook = hand_in()
    notebook.cells[1].source = (
        "from google.colab import drive, files\ndrive.mount('/content/drive')\nimport google.colab.userdata\n"
        f"with google.colab.output.redirect_to_element('x'):\n    pass\n{notebook.cells[1].source}"
    )
    report = marked(notebook)
    assert statuses(report) == PASSED
    assert report.notes == []


def test_nothing_is_installed_and_it_is_said(marked, statuses) -> None:
    notebook = hand_in()
    call = "import subprocess, sys\nassert 'Left out' in subprocess.check_output([sys.executable, '-m', 'pip', 'x']).decode()"
    notebook.cells[2:2] = [new_code_cell("%pip install --quiet no-such-package-at-all"), new_code_cell(call)]
    report = marked(notebook)
    assert statuses(report) == PASSED
    assert [note.split(":")[0] for note in report.notes] == ["cell 3 asked for packages"]


def test_files_and_settings_are_each_hand_ins_own(marked, statuses) -> None:
    notebook = hand_in()
    leave = (
        "import os, pathlib, tempfile\nplaces = [pathlib.Path.home(), pathlib.Path('.'), pathlib.Path(tempfile.gettempdir())]\n"
        "assert not any((p / 'left-behind').exists() for p in places)\n"
        "for p in places:\n    (p / 'left-behind').write_text('x')\nos.environ['LEFT'] = '1'"
    )
    notebook.cells.insert(2, new_code_cell(leave))
    for _ in range(2):
        assert marked(notebook).notes == []
    assert "LEFT" not in os.environ
    assert not (Path.home() / "left-behind").exists()


def test_the_callers_kernels_and_settings_are_not_used(marked, statuses, tmp_path: Path, monkeypatch) -> None:
    spec = tmp_path / "share" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "no-such-file"))
    assert statuses(marked(hand_in())) == PASSED


def test_a_kernel_that_is_asked_to_restart_does_not(marked, statuses) -> None:
    notebook = hand_in()
    notebook.cells.insert(
        2, new_code_cell("import IPython\nIPython.Application.instance().kernel.do_shutdown(True)")
    )
    report = marked(notebook)
    assert statuses(report) == PASSED
    assert report.notes == ["cell 3 asked for a new kernel, which was left out"]


def test_a_cell_that_ends_its_kernel_later_is_found(marked, statuses) -> None:
    notebook = hand_in()
    slow = [new_code_cell(f"import time\ntime.sleep(0.4)  # {k}") for k in range(3)]
    late = new_code_cell("import os, threading\nthreading.Timer(0.6, os._exit, [0]).start()")
    notebook.cells[2:2] = [slow[0], late, *slow[1:]]
    report = marked(notebook)
    assert statuses(report) == PASSED
    assert report.notes == ["cell 4 ended the kernel some time after it had run"]


def test_killing_ones_parent_does_not_end_the_marking(marked, statuses) -> None:
    report = marked(hand_in(e2="import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(1.5)"))
    assert statuses(report) == ["passed", "failed", "passed"]
    assert "killed the kernel" in report.marks[1].message


def test_names_that_the_marker_could_need_are_free(marked, statuses) -> None:
    notebook = hand_in()
    shadow = "globals = locals = eval = callable = type = isinstance = str = dict = None\n__import__ = __builtins__ = None"
    notebook.cells.insert(2, new_code_cell(shadow))
    assert statuses(marked(notebook)) == PASSED


# Odd files ------------------------------------------------------------------------------------


def odd(notebook: dict, **changes: object) -> dict:
    for cell in notebook["cells"]:
        cell["metadata"] = cell["metadata"] | changes if changes else None
    return notebook


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("Twice", "Zwölf").encode("cp1252"),
    ],
    ids=["bom", "utf-16", "code page"],
)
def test_a_file_may_have_any_encoding(encode, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(encode(nbformat.writes(hand_in())))
    assert read(path).number == 1


@pytest.mark.parametrize("tms", [None, [], 3, {"chapter": None}, {"chapter": True}, {"chapter": "1"}])
@pytest.mark.parametrize(
    "changes", [{}, {"tags": None}, {"tags": "exercise"}, {"exercise": 1.2}, {"tags": [None]}]
)
def test_metadata_may_be_anything(tms, changes, course: Path, tmp_path: Path) -> None:
    raw = json.loads(nbformat.writes(hand_in()))
    raw["metadata"] = {"tms": tms, "kernelspec": None}
    raw["cells"] = [*odd(raw, **changes)["cells"], {"cell_type": "odd"}, None]
    raw["cells"][0]["source"] = None if tms else ["# 1. ", "Tiny"]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps(raw))
    found = read(path)
    assert found.number == 1
    assert all(isinstance(cell.source, str) and tags(cell) is not None for cell in found.cells)


def test_null_tags_cost_nothing(marked, statuses, course: Path, tmp_path: Path) -> None:
    notebook = hand_in()
    for cell in notebook.cells:
        cell.metadata["tags"] = None
    notebook.cells = [c for c in notebook.cells if c.source != "raise SystemExit"]
    assert statuses(marked(notebook)) == PASSED


def test_prose_beside_an_untouched_stub_is_no_attempt(marked, statuses) -> None:
    notebook = tiny_chapter()
    notebook.cells.insert(position(notebook, UNTOUCHED[2]), new_markdown_cell("I do not know."))
    assert statuses(marked(notebook)) == ["not attempted"] * 3
