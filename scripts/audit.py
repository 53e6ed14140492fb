"""The paper, claim by claim: read from the chapters' own claims, so that the page cannot say what no chapter measures.

A row is a claim that a chapter has added with ``section=``; its values and verdict are those of the chapter's stored
table, and its link leads to the cell that measured it. ``python scripts/audit.py`` prints the table.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import chapter
import yaml
from chapter import ROOT, Chapter, shown

HEADINGS = {"Claim": "claim", "Paper or theory": "expected", "Measured here": "measured", "Seeds": "seeds"}
OPEN = ROOT / "book" / "audit.yml"


@dataclass(frozen=True)
class Row:
    """A claim of a chapter, as its table shows it, and where it was measured."""

    claim: str
    expected: str
    measured: str
    seeds: str
    verdict: str
    section: str
    chapter: Chapter
    cell: str

    @property
    def link(self) -> str:
        return f"../notebooks/{self.chapter.path.name}#cell-{self.cell}"


def table(one: Chapter) -> list[dict[str, str]]:
    """The rows of a chapter's last table, by their headings."""
    last = next((cell for cell in reversed(one.code) if re.search(r"(?m)^claims\s*\Z", cell.source)), None)
    blocks = re.split(r"\n\n(?=Claim:)", shown(last)) if last else []
    return [dict(re.findall(r"(?m)^([A-Z][a-z ]+): +(.*)$", block)) for block in blocks if block]


def added(one: Chapter) -> Iterator[tuple[re.Pattern, str, str]]:
    """Each ``claims.add`` of a chapter: what its text looks like, the paper's section, and the cell's id.

    Raises:
        ValueError: if a section is neither a text nor a name that a cell before gave to one.
    """
    texts = {}
    for cell in one.code:
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue
        texts |= _texts(tree)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if ast.unparse(call.func) == "claims.add" and call.args:
                section = next((word.value for word in call.keywords if word.arg == "section"), None)
                name = texts.get(getattr(section, "id", ""), getattr(section, "value", ""))
                if section is not None and not name:
                    raise ValueError(
                        f"chapter {one.number}: a claim's section is no text: {ast.unparse(section)}"
                    )
                yield _pattern(call.args[0]), name, cell.id


def _texts(tree: ast.Module) -> dict[str, str]:
    """The names that a cell gives to texts: `paper = "Basic Results"`."""
    return {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _pattern(text: ast.expr) -> re.Pattern:
    """What a text, an f-string or something computed may become."""
    if isinstance(text, ast.Constant):
        return re.compile(re.escape(str(text.value)))
    if isinstance(text, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in text.values]
        return re.compile("".join(parts))
    return re.compile(".*")


def rows(found: Iterable[Chapter]) -> Iterator[Row]:
    """Every claim of the chapters that has been measured; those with a section of the paper are the audit's.

    Raises:
        ValueError: if a claim in a chapter's table was added by no cell of it.
    """
    for one in found:
        calls, whole = list(added(one)), ""
        for claim in table(one):
            match = next((call for call in calls if call[0].fullmatch(claim["Claim"])), None)
            if match is None:
                raise ValueError(
                    f"chapter {one.number} shows the claim {claim['Claim']!r}, which no cell adds"
                )
            values = {name: claim[heading] for heading, name in HEADINGS.items()}
            if values["claim"].startswith(
                "... "
            ):  # it goes on from the row above, which may be another section's
                values["claim"] = f"{whole} {values['claim']}"
            else:
                whole = values["claim"]
            yield Row(**values, verdict=claim["Verdict"], section=match[1], chapter=one, cell=match[2])


def part_of(section: str, order: dict[str, list[str]]) -> str:
    """The paper's own section that a chapter's name for one of its parts belongs to.

    Raises:
        ValueError: if the paper has no such section.
    """
    for part, names in order.items():
        if section == part or section in names:
            return part
    raise ValueError(f"{section!r} is no section of the paper that book/audit.yml knows; name it there")


def page(found: list[Chapter]) -> str:
    """The page's tables, as Markdown."""
    known = yaml.safe_load(OPEN.read_text(encoding="utf-8"))
    measured = [row for row in rows(found) if row.section]
    by_part = {
        part: [r for r in measured if part_of(r.section, known["sections"]) == part]
        for part in known["sections"]
    }
    agreeing = sum(row.verdict == "agrees" for row in measured)
    differing = sum(row.verdict == "differs" for row in measured)
    lines = [
        f"**{len(measured)} claims are measured: {agreeing} agree, {differing} differ, and "
        f"{len(measured) - agreeing - differing} agree in part.** {len(known['open'])} are open.\n",
        "## Where the paper and its replications differ\n",
        "| What | What is known | Measured in |",
        "|---|---|---|",
        *(
            _row(gap["what"], gap["found"], f"section {gap['here']}" if gap["here"] else "open")
            for gap in known["elsewhere"]
        ),
    ]
    for part, claims in by_part.items():
        missing = [gap for gap in known["open"] if gap["section"] == part]
        if claims or missing:
            lines += [
                f"\n## {part}\n",
                "| Claim | The paper | Measured | Seeds | Verdict |",
                "|---|---|---|---|---|",
            ]
        lines += [
            _row(f"[{_plain(r.claim)}]({r.link})", *map(_plain, (r.expected, r.measured, r.seeds)), r.verdict)
            for r in claims
        ]
        lines += [_row(gap["claim"], "", _plain(gap["reason"]), "", "open") for gap in missing]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([|$<*_\[\]\\`])", r"\\\1", text)


if __name__ == "__main__":
    sys.stdout.write(page(chapter.all_chapters()))
