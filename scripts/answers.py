"""Exercises with a few answers to choose from are answered in the built page, too: buttons, and the check's own words.

The choices and the message to each stand in `tms_utils/checks`, where the notebook's check has them from: nothing is
written twice, and no model is run. Without scripts nothing of it shows; book/assets/answers.js does the rest.
"""

from __future__ import annotations

import importlib
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import chapter
from docutils import nodes
from sphinx.application import Sphinx

if TYPE_CHECKING:
    from tms_utils.checks import Exercise


def choices(one: chapter.Chapter) -> dict[str, Exercise]:
    """The name of an exercise's first cell -> the exercise, for those that can be answered without running anything."""
    from tms_utils.checks import Exercise  # here, for it brings PyTorch: a page that is no chapter needs none

    module = importlib.import_module(f"tms_utils.checks.{chapter.checks_module(one.number)}")
    known = {value.number: value for value in vars(module).values() if isinstance(value, Exercise)}
    found = ((task, known.get(task.number)) for task in one.exercises if task.stubs)
    return {task.stubs[0].id: check for task, check in found if check and check.choices and check.praise}


def form(check: Exercise) -> str:
    """The buttons, as HTML; what they answer stands beside them as JSON."""
    said = {slip.answer: slip.message for slip in check.slips} | {check.right: check.praise}
    buttons = "".join(
        f'<button type="button" value="{escape(option)}" aria-pressed="false">{escape(option)}</button>'
        for option in check.choices
    )
    return (
        f'<div class="answers" hidden role="group" aria-label="Answer to exercise {check.number}" '
        f'data-exercise="{check.number}" data-right="{escape(check.right)}" data-said="{escape(json.dumps(said))}">'
        f'<span aria-hidden="true">Your answer:</span> {buttons}<p role="status"></p></div>'
    )


def add_answers(app: Sphinx, page: nodes.document) -> None:
    """Put the buttons above the cell in which a notebook's reader would write the answer."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb" or (one := chapter.read(source)).number is None:
        return
    wanted, cells = choices(one), one.cells
    for node in list(page.findall(nodes.container)):
        if check := wanted.get(cells[node["cell_index"]].id) if "cell_index" in node else None:
            node.parent.insert(node.parent.index(node), nodes.raw("", form(check), format="html"))
