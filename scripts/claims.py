"""Run the chapters with other seeds, or trained for longer: does "What we checked" come to the same verdicts?

    python scripts/claims.py                              every chapter, with SEED = 100 and SEED = 200
    python scripts/claims.py --only 05 --seeds 300        only chapter 5, with SEED = 300
    python scripts/claims.py --seeds 0 --length 2         every number of steps doubled
    python scripts/claims.py --untrained                  which verdicts stand although nothing is trained?

Each chapter is run as it stands, without its exercises, but for the two lines SEED and LENGTH of its set-up cell;
no file is changed. As many chapters run at a time as there are cores. A verdict that differs is a finding: mend the claim (more seeds, an honest tolerance,
"in most seeds"), never the seed. The exit status is 1 if any verdict differs or a chapter raises.

With --untrained every optimiser is switched off, and the verdicts that stand all the same are listed. Each must be
exact, built by hand, or a "differs": or it cannot fail.
"""

import argparse
import ast
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import chapter
import nbformat
from chapter import Chapter, is_bootstrap, shown, tags
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

import notebooks

EXERCISE = {"exercise", "check", "solution"}
ROW = re.compile(r"^Claim: +(.+)\n(?:.+\n)*?Verdict: +(.+)$", re.MULTILINE)

# Nothing learns any more. (L-BFGS, which finds the exact optima, stays; so does descent written out in a cell.)
SWITCHED_OFF = """import torch

from tms_utils import engine

for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD):
    kind.step = lambda self, closure=None: None
engine.Adam.step = lambda self, lr: None"""


class ClaimsError(Exception):
    """A chapter's claims cannot be tried; the message says why."""


def verdicts(found: Chapter) -> dict[str, str]:
    """The chapter's last table of claims: claim -> verdict.

    Raises:
        ClaimsError: there is none.
    """
    tables = [rows for cell in found.code if (rows := ROW.findall(shown(cell)))]
    if not tables:
        raise ClaimsError("it shows no table of claims; type `make notebooks`")
    return dict(tables[-1])


def names(cell: NotebookNode) -> tuple[set[str], set[str]]:
    """The names that a cell defines, and those that it reads."""
    try:
        nodes = list(ast.walk(ast.parse(cell.source)))
    except SyntaxError:
        return set(), set()
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    defined |= {
        a.asname or a.name for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
    }
    words = [node for node in nodes if isinstance(node, ast.Name)]
    defined |= {word.id for word in words if isinstance(word.ctx, ast.Store)}
    return defined, {word.id for word in words if isinstance(word.ctx, ast.Load)}


def needed(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The cells without the exercises' own, unless a cell that stays reads a name that is defined only there."""
    kept: list[NotebookNode] = []
    wanted: set[str] = set()
    elsewhere = set().union(*(names(cell)[0] for cell in cells if not tags(cell) & EXERCISE))
    for cell in reversed(cells):
        defined, read = names(cell)
        if not tags(cell) & EXERCISE or wanted & (defined - elsewhere):
            kept.append(cell)
            wanted |= read
    return kept[::-1]


def changed(found: Chapter, seed: int, length: int) -> NotebookNode:
    """A copy of the chapter's code to run, with another SEED and LENGTH.

    Raises:
        ClaimsError: its set-up cell has no such lines.
    """
    copy = Chapter(nbformat.from_dict(found.notebook))
    for name, value in (("SEED", seed), ("LENGTH", length)):
        source, count = re.subn(
            rf"^{name} = \d+",
            f"{name} = {value}",
            copy.setup.source if copy.setup else "",
            flags=re.MULTILINE,
        )
        if count != 1:
            raise ClaimsError(f"its set-up cell needs the lines SEED = 0 and LENGTH = 1, and lacks {name}")
        copy.setup.source = source
    code = [cell for cell in copy.cells if cell.cell_type == "code" and not is_bootstrap(cell)]
    copy.notebook.cells = needed(code)
    return copy.notebook


def differences(stored: dict[str, str], new: dict[str, str]) -> list[tuple[str, str, str]]:
    """Claim, stored verdict and new verdict, where these are not the same."""
    pairs = [
        (claim, stored.get(claim, "(no such row)"), new.get(claim, "(no such row)")) for claim in stored | new
    ]
    return [row for row in pairs if row[1] != row[2]]


def try_chapter(found: Chapter, seed: int, length: int, seconds: int) -> list[tuple[str, str, str]]:
    """Run the chapter, and say which verdicts differ from the stored ones.

    Raises:
        ClaimsError: it raised, was stopped, or shows no claims.
    """
    return differences(verdicts(found), verdicts_of(changed(found, seed, length), found, seconds))


def verdicts_of(notebook: NotebookNode, found: Chapter, seconds: int) -> dict[str, str]:
    """The verdicts that a changed copy of the chapter comes to.

    Raises:
        ClaimsError: it raised, was stopped, or shows no claims.
    """
    try:
        notebooks.execute(notebook, found.path.parent, seconds)
    except notebooks.ChapterError as error:
        raise ClaimsError(f"it did not run to its end: {error}") from error
    return verdicts(Chapter(notebook))


def what_differs(found: Chapter, seed: int, length: int, seconds: int) -> list[tuple[str, str, str]]:
    """``try_chapter``; a chapter that cannot be tried differs in all of its claims."""
    try:
        return try_chapter(found, seed, length, seconds)
    except ClaimsError as error:
        return [("all of them", "", str(error))]


def stand_untrained(found: Chapter, seconds: int) -> list[str]:
    """The claims whose verdict is the stored one although every optimiser is switched off; cells may raise.

    Raises:
        ClaimsError: it was stopped, or shows no claims.
    """
    notebook = changed(found, 0, 1)
    for cell in notebook.cells:
        cell.metadata.tags = [*tags(cell), "raises-exception"]
    notebook.cells.insert(0, new_code_cell(SWITCHED_OFF))
    stored, new = verdicts(found), verdicts_of(notebook, found, seconds)
    return [claim for claim in stored if new.get(claim) == stored[claim]]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--length", type=int, default=1, help="what every number of steps is multiplied by")
    parser.add_argument("--only", nargs="+", default=[], help="chapters: numbers (05) or files")
    parser.add_argument("--untrained", action="store_true", help="switch every optimiser off instead")
    parser.add_argument("--timeout", type=int, default=1200, help="seconds allowed per cell")
    options = parser.parse_args(arguments)
    try:
        chosen = [chapter.read(path) for path in select(options.only)]
    except ValueError as error:
        parser.error(str(error))
    if options.untrained:
        for found in chosen:
            try:
                standing = stand_untrained(found, options.timeout)
            except ClaimsError as error:
                print(f"{found.path.stem}: {error}\n", flush=True)
                continue
            print(f"{found.path.stem}: {len(standing)} of {len(verdicts(found))} verdicts stand untrained")
            print("".join(f"  [{verdicts(found)[claim]}] {claim}\n" for claim in standing), flush=True)
        return 0
    rows: list[tuple[str, str, str]] = []
    runs = [(found, seed) for found in chosen for seed in options.seeds]
    with ThreadPoolExecutor(os.cpu_count()) as cores:  # a kernel each, on one thread
        tried = cores.map(lambda run: what_differs(*run, options.length, options.timeout), runs)
        try:
            for (found, seed), rows_here in zip(runs, tried, strict=True):
                where = f"{found.path.stem}, SEED = {seed}, LENGTH = {options.length}"
                said = f"{len(rows_here)} differ" if rows_here else "the same verdicts"
                print(f"{where}: {said}", flush=True)
                rows += [(where, *row) for row in rows_here]
        except KeyboardInterrupt:
            cores.shutdown(wait=False, cancel_futures=True)  # those that have begun end
            raise
    for where, claim, before, now in rows:
        print(f"\n{where}\n  claim:   {claim}\n  stored:  {before}\n  now:     {now}")
    return int(bool(rows))


def select(only: list[str]) -> list[Path]:
    """The chapters that are meant by numbers, stems or paths; all for an empty list.

    Raises:
        ValueError: one of them is not there.
    """
    every = {path.name[:2]: path for path in chapter.paths()}
    wanted = [Path(word).name[:2].zfill(2) if not word.isdigit() else word.zfill(2) for word in only]
    if unknown := set(wanted) - set(every):
        raise ValueError(f"expected chapters of {', '.join(every)}; got {', '.join(sorted(unknown))}")
    return [every[number] for number in wanted] or list(every.values())


if __name__ == "__main__":
    sys.exit(main())
