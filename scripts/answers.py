"""Exercises with a few answers to choose from, or with a number, are answered in the built page, too: buttons or a
field, and the check's own words.

The answers and the message to each stand in `tms_utils/checks`, where the notebook's check has them from: nothing is
written twice, and no model is run. Without scripts nothing of it shows; book/assets/answers.js does the rest.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import chapter
from docutils import nodes
from sphinx.application import Sphinx

if TYPE_CHECKING:
    from tms_utils.checks import Exercise


def answerable(one: chapter.Chapter) -> dict[str, Exercise]:
    """The name of an exercise's first cell -> the exercise, for those that can be answered without running anything."""
    from tms_utils.checks import Exercise  # here, for it brings PyTorch: a page that is no chapter needs none

    module = importlib.import_module(f"tms_utils.checks.{chapter.checks_module(one.number)}")
    known = {value.number: value for value in vars(module).values() if isinstance(value, Exercise)}
    found = ((task, known.get(task.number)) for task in one.exercises if task.stubs)
    return {task.stubs[0].id: check for task, check in found if check and check.praise}


def form(check: Exercise) -> str:
    """The buttons or the field, as HTML; what they answer stands beside them as JSON."""
    if check.range:
        low, high, tolerance, otherwise = check.range
        data = {
            "right": float(check.right),
            "slips": [[float(slip.answer), slip.message] for slip in check.slips],
            "praise": check.praise,
            "range": [bound if math.isfinite(bound) else None for bound in (low, high)],
            "tolerance": tolerance,
            "otherwise": otherwise,
        }
        inside = (
            'Your answer: <input type="text" inputmode="text" autocomplete="off" size="9" '
            f'aria-label="Your answer to exercise {check.number}, a number"> <button type="submit">Check</button>'
        )
    else:
        data = {slip.answer: slip.message for slip in check.slips} | {check.right: check.praise}
        buttons = (
            f'<button type="button" value="{escape(option)}" aria-pressed="false">{escape(option)}</button>'
            for option in check.choices
        )
        inside = f'<span aria-hidden="true">Your answer:</span> {"".join(buttons)}'
    kind = "data-number" if check.range else f'data-right="{escape(check.right)}" data-said'
    return (
        f'<form class="answers" hidden aria-label="Answer to exercise {check.number}" '
        f'data-exercise="{check.number}" {kind}="{escape(json.dumps(data))}">{inside}<p role="status"></p></form>'
    )


def add_answers(app: Sphinx, page: nodes.document) -> None:
    """Put the form above the cell in which a notebook's reader would write the answer."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb" or (one := chapter.read(source)).number is None:
        return
    wanted, cells = answerable(one), one.cells
    for source_of_words in (
        __file__,
        sys.modules[f"tms_utils.checks.{chapter.checks_module(one.number)}"].__file__,
    ):
        app.env.note_dependency(source_of_words)  # a changed message makes the page anew
    for node in list(page.findall(nodes.container)):
        if check := wanted.get(cells[node["cell_index"]].id) if "cell_index" in node else None:
            node.parent.insert(node.parent.index(node), nodes.raw("", form(check), format="html"))
