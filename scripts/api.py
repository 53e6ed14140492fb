"""The page of the helper package: every public name of every module, with its first sentence; read, not imported."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from chapter import ROOT

FOLDERS = (
    "",
    "theory/",
)  # the checks, the live figures and what stands behind them are not for use elsewhere
NOT_FOR_USE = {
    "__init__",
    "axes",
    "batches",
    "check",
    "colab",
    "engine",
    "foreign",
    "minimise",
    "palette",
    "replay",
    "validate",
    "words",
}


def page(root: Path = ROOT) -> str:
    """A heading for each module, what it is for, and a table of its names."""
    paths = [p for folder in FOLDERS for p in sorted((root / "tms_utils" / folder).glob("*.py"))]
    return "\n".join(of_module(path, root) for path in paths if path.stem not in NOT_FOR_USE)


def of_module(path: Path, root: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    rows = [f"| `{call}` | {said} |" for call, said in names(tree)]
    if not rows:
        return ""
    return "\n".join(
        [f"## {name}", "", sentence(tree), "", "| name | what it does |", "|---|---|", *rows, ""]
    )


def names(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Each public function and class, as it is called, and the first sentence that it says of itself."""
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if public and (said := sentence(node)):
            yield f"{node.name}({arguments(node)})", said


def arguments(node: ast.FunctionDef | ast.ClassDef) -> str:
    """The names of what it takes, with the defaults."""
    if isinstance(node, ast.ClassDef):
        makers = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        if not makers:
            fields = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign)]
            return ", ".join(fields)
        node = makers[0]
    taken = node.args
    given = [None] * (len(taken.args) - len(taken.defaults)) + taken.defaults
    words = [_one(a.arg, d) for a, d in zip(taken.args, given, strict=True) if a.arg != "self"]
    if taken.vararg:
        words.append(f"*{taken.vararg.arg}")
    elif taken.kwonlyargs:
        words.append("*")
    words += [_one(a.arg, d) for a, d in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)]
    return ", ".join(words)


def _one(name: str, default: ast.expr | None) -> str:
    return name if default is None else f"{name}={ast.unparse(default)}"


def sentence(node: ast.Module | ast.FunctionDef | ast.ClassDef) -> str:
    """The first sentence of a docstring, safe in a table."""
    first = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
    first = re.sub(r"(?<=[a-z)`]\.) [A-Z].*", "", first)
    pieces = first.split(
        "``"
    )  # every other one is code, in which nothing needs a backslash but the table's bar
    plain = [re.sub(r"([|$*<_])", r"\\\1", piece) for piece in pieces[::2]]
    code = [f"`{piece}`".replace("|", r"\|") for piece in pieces[1::2]]
    return "".join(part for pair in zip(plain, [*code, ""], strict=True) for part in pair)


if __name__ == "__main__":
    print(page())
