"""Point every link of the course at another repository.

    python scripts/repository.py https://github.com/you/fork

The address is kept in one place, `repository.url` in `_config.yml`. The chapters' Colab links
and bootstrap cells, the README and the other files that must spell it out are rewritten to
match. Without an address, the script reports what disagrees.
"""

import argparse
import re
import sys
from pathlib import Path

import yaml
from chapter import ROOT, paths

# Files that hold the address, as every chapter does, and files that may hold it.
MUST_NAME_IT = ("_config.yml", "README.md", "CITATION.cff", "pyproject.toml", "scripts/bootstrap.py")
MAY_NAME_IT = ("CONTRIBUTING.md", "book/**/*.md", "book/**/*.html", "notebooks/*.ipynb")
ADDRESS = re.compile(
    r"https://github\.com/(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/(?P<name>[A-Za-z0-9_.-]+?)"
    r"(?:\.git)?/?"
)
COLAB = re.compile(r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/([\w.-]+)/([^\s)\"\\]+)")


def parse(url: str) -> tuple[str, str]:
    """Split a repository's address into its owner and its name.

    Raises:
        ValueError: `url` is not of the form https://github.com/OWNER/NAME.
    """
    match = ADDRESS.fullmatch(url)
    if match is None or set(match["name"]) <= {"."}:
        raise ValueError(f"expected an address such as https://github.com/you/fork, but got {url!r}")
    return match["owner"], match["name"]


def pages_address(owner: str, name: str) -> str:
    """Return the address at which GitHub Pages serves the repository's book."""
    host = f"https://{owner.lower()}.github.io/"
    return host if name.lower() == f"{owner}.github.io".lower() else f"{host}{name}/"


def current(root: Path = ROOT) -> tuple[str, str]:
    """Return owner and name of the repository that `_config.yml` names."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return parse(config["repository"]["url"])


def that_must(root: Path = ROOT) -> list[Path]:
    """The files that must hold the address."""
    return sorted([*(root / name for name in MUST_NAME_IT), *paths(root)])


def that_may(root: Path = ROOT) -> list[Path]:
    """Every file that may hold the address, those that must included."""
    return sorted({*that_must(root), *(path for pattern in MAY_NAME_IT for path in root.glob(pattern))})


def repoint(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """Replace every address of the repository `old` in `text` by the one of `new`."""
    end = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])"  # not in the middle of a longer name
    text = re.sub(
        r"(github\.com/|google\.com/github/)" + re.escape("/".join(old)) + r"(?:\.git)?" + end,
        lambda match: match[1] + "/".join(new),
        text,
    )
    text = re.sub(rf"^cd {re.escape(old[1])}$", f"cd {new[1]}", text, flags=re.MULTILINE)  # after git clone
    return re.sub(
        re.escape(pages_address(*old).rstrip("/")) + end + "/?",
        lambda _: pages_address(*new),
        text,
    )


def set_repository(url: str, root: Path = ROOT) -> list[Path]:
    """Rewrite every address under `root` to `url`; return the files that changed.

    Raises:
        ValueError: `url` is not a repository's address; no file has been touched.
    """
    new, old = parse(url), current(root)
    changed = {}
    for path in that_may(root):
        before = path.read_text(encoding="utf-8")
        after = repoint(before, old, new)
        if after != before:
            changed[path] = after
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8", newline="\n")
    return list(changed)


def disagreements(root: Path = ROOT) -> list[str]:
    """List, in words, every place whose address is not the one in `_config.yml`."""
    owner, name = current(root)
    repository = f"{owner}/{name}"
    problems = []
    for path in that_must(root):
        text = path.read_text(encoding="utf-8")
        if f"github.com/{repository}" not in text:
            problems.append(f"{path.relative_to(root)} does not name github.com/{repository}")
    for path in that_may(root):
        text = path.read_text(encoding="utf-8")
        relative = path.relative_to(root).as_posix()
        for linked, branch, target in COLAB.findall(text):
            if linked != repository or branch != "main":
                problems.append(f"{relative} opens {linked} ({branch}) in Colab, not {repository}")
            elif not (root / target).is_file():
                problems.append(f"{relative} opens {target} in Colab, but there is no such file")
            elif path.suffix == ".ipynb" and target != relative:
                problems.append(f"{relative} opens {target} in Colab, not itself")
        if repository != "your-name/toy-models-of-superposition" and "your-name" in text:
            problems.append(f"{relative} still names the placeholder your-name")
    return problems


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Rewrite or report. The status is 1 if addresses disagree, and 2 if the one given is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", nargs="?", help="such as https://github.com/you/fork; without it, report only")
    url = parser.parse_args(arguments).url
    if url is None:
        problems = disagreements(root)
        print("\n".join(problems) or "Every link points at https://github.com/" + "/".join(current(root)))
        print("To change it: make repository URL=https://github.com/you/fork")
        return 1 if problems else 0
    try:
        changed = set_repository(url, root)
    except ValueError as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return 2
    for path in changed:
        print(f"rewrote {path.relative_to(root)}")
    print(f"{len(changed)} files now point at {url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
