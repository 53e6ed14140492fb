"""The table that ends each chapter: what was claimed, what the paper or theory says, what we measured."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["Claim", "ClaimsTable"]

_HEADINGS = ("Claim", "Paper or theory", "Measured here", "Seeds", "Verdict")


@dataclass(frozen=True)
class Claim:
    """One row. ``holds`` is computed by the caller: True, False, or a short string such as "partly"."""

    claim: str
    expected: str
    measured: str
    seeds: int | str
    holds: bool | str

    def cells(self) -> tuple[str, ...]:
        verdict = {True: "agrees", False: "differs"}.get(self.holds, self.holds)
        return (self.claim, self.expected, self.measured, str(self.seeds), str(verdict))


class ClaimsTable:
    """Claims as a table: HTML where it can be shown, aligned text elsewhere (and for nbval)."""

    def __init__(self, claims: list[Claim]):
        self.claims = list(claims)

    def __repr__(self) -> str:
        rows = [claim.cells() for claim in self.claims]
        return "\n\n".join(
            "\n".join(f"{heading + ':':17}{cell}" for heading, cell in zip(_HEADINGS, row, strict=True))
            for row in rows
        )

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{h}</th>' for h in _HEADINGS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in claim.cells()) + "</tr>"
            for claim in self.claims
        )
        return f'<table class="claims"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
