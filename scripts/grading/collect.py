"""Finding: the notebooks in what was handed in, folders and archives of all kinds, and whose each one is."""

import hashlib
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

NOTEBOOK = re.compile(r"\.ipynb(\.txt|\.json)?$", re.IGNORECASE)  # as some browsers save it
ARCHIVE = re.compile(r"\.(zip|tar|tar\.gz|tgz|tar\.bz2|tar\.xz)$", re.IGNORECASE)
LARGEST = 100_000_000  # bytes of a notebook
# How learning platforms name what they hand over, in a folder or an archive: groups student, id, and late.
PLATFORMS = {
    "canvas": r"(?:.*/)?(?P<student>[^_/]+)_(?P<late>LATE_)?(?P<id>\d{3,})_\d{3,}_",
    "moodle": r"(?:.*/)?(?P<student>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)",
}
FILE = r"(?P<student>.+?)(?:\.ipynb.*)?$"  # all of the path: no two people are ever taken for one


@dataclass(frozen=True)
class HandIn:
    """A notebook, and the name by which it is reported."""

    path: Path
    name: str

    def digest(self) -> str:
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]
        except OSError:
            return ""


@dataclass(frozen=True)
class Owner:
    """Whose a hand-in is."""

    student: str
    id: str = ""
    late: bool = False
    named_by: str = ""  # canvas or moodle, whose id it is then


def shown(path: Path) -> str:
    """A path as text: a name in a Windows code page, too."""
    raw = os.fsencode(path.as_posix())
    for encoding in ("utf-8", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def is_clutter(name: str) -> bool:
    """Whether this is no hand-in, but what a system leaves behind beside one."""
    return name.startswith(".") or name in (
        "__MACOSX",
        "__pycache__",
        "node_modules",
        "Thumbs.db",
        "desktop.ini",
    )


def collect(path: Path, unpacked: Path) -> tuple[list[HandIn], list[str]]:
    """The notebooks in a file or folder, archives unpacked into the folder `unpacked`; and what is left out, and why."""
    found: list[HandIn] = []
    left_out: list[str] = []
    files = [path] if not path.is_dir() else list(walk(path, left_out))
    for file in files:
        name = shown(file.relative_to(path)) if path.is_dir() else shown(Path(file.name))
        try:
            if ARCHIVE.search(name):
                inside = unpacked / f"{len(found)}-{len(left_out)}"
                found += unpack(file, name, inside, left_out)
            elif NOTEBOOK.search(name) or not path.is_dir():
                if not file.exists():
                    left_out.append(
                        f"{name} ({'a link to nothing' if file.is_symlink() else 'it is not there'})"
                    )
                elif file.stat().st_size > LARGEST:
                    left_out.append(f"{name} (larger than {LARGEST // 10**6} MB)")
                elif file.is_file():
                    found.append(HandIn(file, name))
            else:
                left_out.append(name)
        except Exception as error:  # one odd entry never stops a folder
            left_out.append(f"{name} ({type(error).__name__}: {error})")
    return sorted(found, key=lambda one: one.name), sorted(left_out)


def walk(folder: Path, left_out: list[str]) -> Iterator[Path]:
    """Every file in a folder and those below it, and links to nothing; no clutter."""

    def cannot(error: OSError) -> None:
        left_out.append(f"{shown(Path(error.filename).relative_to(folder))}/ ({error.strerror})")

    for here, folders, files in os.walk(folder, onerror=cannot):
        folders[:] = sorted(name for name in folders if not is_clutter(name))
        yield from (Path(here, name) for name in sorted(files) if not is_clutter(name))


def unpack(file: Path, name: str, folder: Path, left_out: list[str]) -> list[HandIn]:
    """The notebooks in an archive; their names begin with the archive's."""
    found = []
    for inner, content in members(file):
        parts = PurePosixPath(inner.replace("\\", "/")).parts
        if any(is_clutter(part) for part in parts if part not in (".", "..")):
            continue
        full = f"{name}/{inner}"
        if not NOTEBOOK.search(inner):
            if Path(inner).suffix.lower() not in (".txt", ".md"):  # such as our own note on how to open it
                left_out.append(full)
        elif isinstance(content, str):
            left_out.append(f"{full} ({content})")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{len(found)}.ipynb"  # a name from an archive is never a path here
            path.write_bytes(content)
            found.append(HandIn(path, full))
    if not found:
        left_out.append(f"{name} (no notebook in it)")
    return found


def members(file: Path) -> Iterator[tuple[str, bytes | str]]:
    """Name and content of the files in an archive; in place of the content, why it cannot be had."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                if not NOTEBOOK.search(entry.filename) or entry.file_size > LARGEST:
                    yield entry.filename, "too large"
                elif entry.flag_bits & 1:
                    yield entry.filename, "locked with a password"
                else:
                    yield entry.filename, archive.read(entry)
        return
    with tarfile.open(file) as archive:
        for entry in archive:
            if entry.isfile():
                wanted = NOTEBOOK.search(entry.name) and entry.size <= LARGEST
                yield entry.name, archive.extractfile(entry).read() if wanted else "too large"


def owner(name: str, pattern: str = "") -> Owner:
    """Whose a hand-in is, by a regular expression with a group `student`, or as Canvas and Moodle name files."""
    patterns = {"": pattern} if pattern else {**PLATFORMS, "": FILE}
    for platform, one in patterns.items():
        if found := re.match(one, name):
            groups = found.groupdict()
            student = (groups.get("student") or name).strip()
            return Owner(student, groups.get("id") or "", bool(groups.get("late")), platform)
    return Owner(name)
