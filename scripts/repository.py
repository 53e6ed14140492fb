"""Point every link of the course at another repository.

    python scripts/repository.py https://github.com/you/fork [--domain course.example.org]

The address is kept in one place, `repository.url` in `_config.yml`, and beside it the book's own, `html.baseurl`:
that of GitHub Pages, or of a domain of your own. The chapters' Colab links and bootstrap cells, the README and the
other files that must spell them out are rewritten to match. Without an address, the script reports what disagrees.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import yaml
from chapter import ROOT, paths

# Files that hold the address, as every chapter does, and files that may hold it.
MUST_NAME_IT = ("_config.yml", "README.md", "CITATION.cff", "pyproject.toml", "scripts/bootstrap.py")
MAY_NAME_IT = (
    "CONTRIBUTING.md",
    "tms_utils/README.md",
    "book/**/*.md",
    "book/**/*.html",
    "notebooks/*.ipynb",
)
ADDRESS = re.compile(
    r"https://github\.com/(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/(?P<name>[A-Za-z0-9_.-]+?)"
    r"(?:\.git)?/?"
)
DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])")
BRANCH = "main"  # Colab's links, the published pages and the workflows all read this one
RENAME = f"the course is published, and opened in Colab, from the branch {BRANCH}; rename yours: git branch -m {BRANCH}"
COLAB = re.compile(r"colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/([\w.-]+)/([^\s)\"\\]+)")


def parse(url: str) -> tuple[str, str]:
    """Split a repository's address into its owner and its name.

    Raises:
        ValueError: `url` is not of the form https://github.com/OWNER/NAME, or names another branch than main.
    """
    repository, _, branch = url.partition("/tree/")
    if branch not in ("", BRANCH) and ADDRESS.fullmatch(repository):
        raise ValueError(f"{url} names the branch {branch}, but {RENAME}")
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
    return parse(_config(root)["repository"]["url"])


def site(root: Path = ROOT) -> str:
    """Return the book's address, with a slash at its end."""
    return _config(root)["html"]["baseurl"]


def at_domain(domain: str) -> str:
    """Return the book's address at a domain of one's own.

    Raises:
        ValueError: `domain` is not of the form course.example.org.
    """
    if not DOMAIN.fullmatch(domain.lower()) or domain.lower().endswith(".github.io"):
        raise ValueError(f"expected a domain of your own, such as course.example.org, but got {domain!r}")
    return f"https://{domain.lower()}/"


def _config(root: Path) -> dict:
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))


def that_must(root: Path = ROOT) -> list[Path]:
    """The files that must hold the address."""
    return sorted([*(root / name for name in MUST_NAME_IT), *paths(root)])


def that_may(root: Path = ROOT) -> list[Path]:
    """Every file that may hold the address, those that must included."""
    return sorted({*that_must(root), *(path for pattern in MAY_NAME_IT for path in root.glob(pattern))})


def repoint(
    text: str, old: tuple[str, str], new: tuple[str, str], old_site: str = "", new_site: str = ""
) -> str:
    """Replace every address of the repository `old`, and of its book, in `text` by those of `new`."""
    old_site, new_site = old_site or pages_address(*old), new_site or pages_address(*new)
    end = r"(?![A-Za-z0-9_-]|\.[A-Za-z0-9_])"  # not in the middle of a longer name
    text = re.sub(
        r"(github\.com/|google\.com/github/|binder\.org/v2/gh/)"
        + re.escape("/".join(old))
        + r"(?:\.git)?"
        + end,
        lambda match: match[1] + "/".join(new),
        text,
    )
    text = re.sub(rf"^cd {re.escape(old[1])}$", f"cd {new[1]}", text, flags=re.MULTILINE)  # after git clone
    return re.sub(
        re.escape(old_site.rstrip("/")) + end + "/?",
        lambda _: new_site,
        text,
    )


def set_repository(url: str, root: Path = ROOT, domain: str = "") -> list[Path]:
    """Rewrite every address under `root` to `url`, and the book's to `domain`; return the files that changed.

    Raises:
        ValueError: `url` is not a repository's address, or `domain` is no domain; no file has been touched.
    """
    new, old = parse(url), current(root)
    sites = site(root), at_domain(domain) if domain else pages_address(*new)
    changed = {}
    for path in that_may(root):
        before = path.read_text(encoding="utf-8")
        after = repoint(before, old, new, *sites)
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
    config = _config(root)
    if (branch := config["repository"]["branch"]) != BRANCH:
        problems.append(f"_config.yml names the branch {branch}, but {RENAME}")
    if (shared := config["sphinx"]["config"]["ogp_site_url"]) != site(root):
        problems.append(f"_config.yml: html.baseurl is {site(root)}, but ogp_site_url is {shared}")
    for path in that_must(root):
        text = path.read_text(encoding="utf-8")
        if f"github.com/{repository}" not in text:
            problems.append(f"{path.relative_to(root)} does not name github.com/{repository}")
    for path in that_may(root):
        text = path.read_text(encoding="utf-8")
        relative = path.relative_to(root).as_posix()
        for linked, branch, target in COLAB.findall(text):
            if linked != repository or branch != BRANCH:
                problems.append(f"{relative} opens {linked} ({branch}) in Colab, not {repository}")
            elif not (root / target).is_file():
                problems.append(f"{relative} opens {target} in Colab, but there is no such file")
            elif path.suffix == ".ipynb" and target != relative:
                problems.append(f"{relative} opens {target} in Colab, not itself")
        if site(root) != pages_address(owner, name) and pages_address(owner, name) in text:
            problems.append(f"{relative} names {pages_address(owner, name)}, but the book is at {site(root)}")
        if repository != "your-name/toy-models-of-superposition" and "your-name" in text:
            problems.append(f"{relative} still names the placeholder your-name")
    return problems


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Rewrite or report. The status is 1 if addresses disagree, and 2 if the one given is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "url", nargs="?", default="", help="such as https://github.com/you/fork; without it, report only"
    )
    parser.add_argument(
        "--domain", default="", help="the book's own, such as course.example.org, if it has one"
    )
    given = parser.parse_args(arguments)
    url = given.url or ("https://github.com/" + "/".join(current(root)) if given.domain else "")
    if not url:
        problems = disagreements(root)
        links = (
            f"Every link points at https://github.com/{'/'.join(current(root))}, and the book at {site(root)}"
        )
        print("\n".join(problems) or links)
        print("To change it: make repository URL=https://github.com/you/fork")
        print("With a domain of your own: make repository URL=... DOMAIN=course.example.org")
        return 1 if problems else 0
    try:
        changed = set_repository(url, root, given.domain)
    except ValueError as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return 2
    for path in changed:
        print(f"rewrote {path.relative_to(root)}")
    print(f"{len(changed)} files now point at {url}; the book's address is {site(root)}")
    print(
        "On GitHub: under Settings, Pages, choose GitHub Actions as the source"
        + (f" and {given.domain} as the custom domain" if given.domain else "")
        + "; under Actions, enable the workflows (a fork's are off). Then commit, and push."
    )
    if (branch := checked_out(root)) not in ("", BRANCH):
        print(f"You are on the branch {branch}: {RENAME}")
    return 0


def checked_out(root: Path) -> str:
    """The branch that is checked out; nothing where git does not say."""
    try:
        git = subprocess.run(
            ["git", "branch", "--show-current"], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:  # no git program
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
