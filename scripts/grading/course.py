"""The course as it is when marking begins: its chapters, and a private copy of the code that marks.

A hand-in that edits the course's files on disk changes nothing here, and it is noticed.
"""

import compileall
import hashlib
import py_compile
import sysconfig
import tempfile
from functools import cached_property
from pathlib import Path

import chapter
from chapter import ROOT, Chapter

INSIDE = Path(__file__).with_name("inside")
# Older hand-outs import checks from the package. Those of the notebook are not used anyway.
OLDER = """

def __getattr__(name):
    if name.startswith("check_"):
        return lambda *attempts: None
    raise AttributeError(name)
"""


def digest_of(files: list[Path]) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(str(path).encode(errors="surrogateescape"))
        try:
            total.update(path.read_bytes())
        except OSError as error:
            total.update(type(error).__name__.encode())
    return total.hexdigest()


class Course:
    """The folder of a course, and what it held when this was made."""

    def __init__(self, root: Path):
        self.root = root.resolve()
        self.files = private_copy(self.root)
        self.digest = self.seen = self.digest_now()
        self.environment = environment_now()

    @cached_property
    def by_number(self) -> dict[int, Path]:
        return {int(path.name[:2]): path for path in chapter.paths(self.root)}

    @cached_property
    def _read(self) -> dict[int, Chapter]:
        return {}

    def chapter(self, number: int) -> Chapter:
        """The course's own copy of a chapter, read once."""
        if number not in self._read:
            found = chapter.read(self.by_number[number])
            if found.number != number:
                name = self.by_number[number].name
                raise ValueError(
                    f"expected the course's {name} to be chapter {number}, but it says {found.number}"
                )
            self._read[number] = found
        return self._read[number]

    def sources(self) -> list[Path]:
        """The files that marks depend on."""
        code = (self.root / "tms_utils").rglob("*.py")
        return sorted(
            [*code, *(self.root / "notebooks").glob("*.ipynb"), *Path(__file__).parent.rglob("*.py")]
        )

    def digest_now(self) -> str:
        return digest_of(self.sources())

    def changed(self) -> str:
        """What has been changed on disk since this was last asked, as a sentence; nothing if all is as it was."""
        before, self.seen = self.seen, self.digest_now()
        packages, self.environment = self.environment, environment_now()
        if self.seen != before:
            return "files of the course have changed (marking goes on with the copy made when it began)"
        if self.environment != packages:
            return "installed packages have changed (by a hand-in or by another program: if in doubt, make the environment anew)"
        return ""

    def write(self, folder: Path) -> None:
        """Write the private copy into an empty folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def private_copy(root: Path) -> dict[str, bytes]:
    """The helper package, its checks and the code that runs next to hand-ins, compiled, by name."""
    if not (root / "tms_utils" / "checks" / "__init__.py").is_file():
        raise ValueError(f"the checks could not be prepared: {root} holds no tms_utils/checks")
    with tempfile.TemporaryDirectory(prefix="grade-") as temporary:
        folder = Path(temporary)
        for source, name in ((root / "tms_utils", "tms_utils"), (INSIDE, "grading_inside")):
            for path in source.rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts:
                    copy = folder / name / path.relative_to(source)
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    copy.write_bytes(path.read_bytes())
        (folder / "grading_inside" / "colab.py").write_bytes((ROOT / "tms_utils" / "colab.py").read_bytes())
        with (folder / "tms_utils" / "checks" / "__init__.py").open("a", encoding="utf-8") as package:
            package.write(OLDER)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(folder, quiet=2, invalidation_mode=mode)
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def environment_now() -> list[tuple[str, int]]:
    """Which packages are installed, and when each was: the entries of site-packages."""
    folder = Path(sysconfig.get_paths()["purelib"])
    try:
        entries = sorted(folder.iterdir())
        return [(path.name, path.stat().st_mtime_ns) for path in entries if path.suffix == ".dist-info"]
    except OSError:
        return []
