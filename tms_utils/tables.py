"""Tables: of results, and of the claims that end each chapter. HTML where it can be shown, aligned text elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import torch

__all__ = ["Claim", "Claims", "Table"]


class Table:
    """Columns of equal length under their headings; the last line of a cell shows it.

    Args:
        columns: heading -> values: a list, or a tensor of one axis. Numbers that are not whole are rounded.
        digits: decimals of those numbers: one number, or heading -> number for single columns.

    Raises:
        ValueError: if the columns are empty, or differ in length.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], *, digits: int | Mapping[str, int] = 2):
        cells = {heading: _as_list(values) for heading, values in columns.items()}
        lengths = {heading: len(values) for heading, values in cells.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"expected columns of one length; got {lengths}")
        of_column = digits if isinstance(digits, Mapping) else dict.fromkeys(cells, digits)
        self.headings = tuple(cells)
        columns_of_text = [[_text(v, of_column.get(h, 2)) for v in values] for h, values in cells.items()]
        self.rows = tuple(zip(*columns_of_text, strict=True))
        self._numeric = [all(_is_number(v) for v in values) for values in cells.values()]

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.headings, *self.rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if numeric else cell.ljust(width)
                for cell, width, numeric in zip(row, widths, self._numeric, strict=True)
            ).rstrip()
            for row in (self.headings, *self.rows)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        align = ["right" if numeric else "left" for numeric in self._numeric]
        return _html(self.headings, self.rows, align, "results")


@dataclass(frozen=True)
class Claim:
    """One row. ``holds`` is computed by the caller: True, False, or a short string such as "partly"."""

    claim: str
    expected: str
    measured: str
    seeds: int | str
    holds: bool | str
    section: str = ""  # of the paper; empty where the claim is theory's or ours

    @property
    def verdict(self) -> str:
        return {True: "agrees", False: "differs"}.get(self.holds, str(self.holds))

    def cells(self) -> tuple[str, ...]:
        return (self.claim, self.expected, self.measured, str(self.seeds), self.verdict)


class Claims:
    """The claims of a chapter, each added where it is measured; the chapter's last cell shows them as a table."""

    HEADINGS = ("Claim", "Paper or theory", "Measured here", "Seeds", "Verdict")

    def __init__(self) -> None:
        self._by_text: dict[str, Claim] = {}

    def add(
        self,
        claim: str,
        *,
        expected: str,
        measured: str,
        seeds: int | str,
        holds: bool | str,
        section: str = "",
    ) -> None:
        """Register a claim; one with the same text is replaced, so that a cell can be run again.

        Args:
            claim: what is claimed, in a sentence.
            expected: what the paper or theory says, in its words or numbers.
            measured: what was measured here.
            seeds: over how many seeds; "exact" where none is involved.
            holds: the verdict, computed: True ("agrees"), False ("differs") or a word of its own, such as "partly".
            section: the paper's section that the claim speaks of.
        """
        verdict = holds if isinstance(holds, str) else bool(holds)
        self._by_text[claim] = Claim(claim, expected, measured, seeds, verdict, section)

    def __iter__(self):
        return iter(self._by_text.values())

    def __len__(self) -> int:
        return len(self._by_text)

    def __repr__(self) -> str:
        return "\n\n".join(
            "\n".join(f"{h + ':':17}{cell}" for h, cell in zip(self.HEADINGS, claim.cells(), strict=True))
            for claim in self
        )

    def _repr_html_(self) -> str:
        return _html(
            self.HEADINGS, [claim.cells() for claim in self], ["left"] * len(self.HEADINGS), "claims"
        )


def _html(headings: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str], name: str) -> str:
    style = [f' style="text-align:{a}"' for a in align]
    head = "".join(f'<th scope="col"{s}>{escape(h)}</th>' for h, s in zip(headings, style, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{s}>{escape(cell)}</td>" for cell, s in zip(row, style, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<table class="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _as_list(values: Any) -> list:
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | torch.Tensor) and not isinstance(value, bool)


def _text(value: Any, digits: int) -> str:
    if isinstance(value, torch.Tensor):
        value = value.item()
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
