"""Marking that a service runs: a zip for Gradescope's autograder, and a workflow for GitHub Classroom.

    python scripts/services.py gradescope            write _build/gradescope.zip
    python scripts/services.py classroom             write _build/classroom/.github/workflows/classroom.yml

And there, after scripts/grade.py has marked:

    python scripts/services.py results marks.json    print what Gradescope reads (results.json)
    python scripts/services.py report marks.json     print what GitHub Classroom's reporter reads
"""

import argparse
import base64
import json
import re
import sys
import zipfile
from pathlib import Path

import chapter
import nbformat
import yaml
from chapter import ROOT
from grading.marks import Mark, Report, from_dict

HOSTING = Path(__file__).with_name("hosting")
PYTHON = "3.13"
MARKING = ("tms_utils", "scripts/grading", "scripts/hosting/packages.txt", "requirements.txt", "_toc.yml")
MARKING += tuple(f"scripts/{name}.py" for name in ("grade", "chapter", "student", "services"))
MIDNIGHT = (1980, 1, 1, 0, 0, 0)  # the same course always gives the same zip
NOTHING = "No notebook (.ipynb) was found in what you handed in."
OURS = "The fault is the course's, not yours; please tell your instructor."


# Made here -------------------------------------------------------------------------------------


def filled(name: str, root: Path = ROOT) -> str:
    """A file of the folder hosting with the course's own repository and versions."""
    lock = (root / "requirements.txt").read_text(encoding="utf-8")
    url = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    own = {"REPOSITORY": "/".join(url.rstrip("/").split("/")[-2:]), "PYTHON": PYTHON}
    own["UV"] = re.search(r"^uv==([\d.]+)", lock, re.MULTILINE)[1]
    return re.sub(r"@([A-Z]+)@", lambda found: own[found[1]], (HOSTING / name).read_text(encoding="utf-8"))


def gradescope(folder: Path, root: Path = ROOT) -> Path:
    """Write the zip for Gradescope's autograder; its marks are those of `make grade`."""
    path = folder / "gradescope.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes | str, mode: int = 0o644) -> None:
            entry = zipfile.ZipInfo(name, MIDNIGHT)
            entry.external_attr = mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)

        for name in ("setup.sh", "run_autograder"):  # at the top, or Gradescope does not find them
            add(name, filled(name, root), 0o755)
        for part in MARKING:
            files = [root / part] if (root / part).is_file() else sorted((root / part).rglob("*"))
            for file in files:
                if file.is_file() and "__pycache__" not in file.parts:
                    add(file.relative_to(root).as_posix().replace("scripts/hosting/", ""), file.read_bytes())
        for file in chapter.paths(root):
            notebook = chapter.read(file).notebook
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs = []
            add(f"notebooks/{file.name}", nbformat.writes(notebook))
    return path


def classroom(folder: Path, root: Path = ROOT) -> Path:
    """Write the workflow for GitHub Classroom."""
    path = folder / "classroom" / ".github" / "workflows" / "classroom.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(filled("classroom.yml", root), encoding="utf-8")
    return path


# Run there -------------------------------------------------------------------------------------


def marked(path: Path) -> list[Report]:
    """The reports that scripts/grade.py has written; none if it could not."""
    return [from_dict(one) for one in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []


def remarks(reports: list[Report]) -> str:
    """What is to be said of the whole hand-in, a line each."""
    lines = [] if reports else [NOTHING]
    if any(report.is_courses_fault() for report in reports):
        lines.append(OURS)
    for report in reports:
        lines += [f"{report.file}: not marked: {report.error}"] if report.error else []
        lines += [f"{report.file}: {note}" for note in report.notes]
    return "\n".join(lines)


def name_of(mark: Mark, report: Report, reports: list[Report]) -> str:
    """The exercise's title; with the file's name, if there are several."""
    name = f"Exercise {mark.exercise}: {mark.title}".removesuffix(": ")
    return f"{name} ({report.file})" if len(reports) > 1 else name


def for_gradescope(reports: list[Report]) -> dict:
    """Gradescope's results.json: a test for each exercise; one that is answered in words has no points."""
    tests = []
    for report in reports:
        for mark in report.marks:
            said = f"{mark.status}. {mark.message}".rstrip()
            test = {"name": name_of(mark, report, reports), "number": mark.exercise, "output": said}
            if mark in report.counted:
                passed = "passed" if mark.status == "passed" else "failed"
                test |= {"score": mark.earned, "max_score": mark.points, "status": passed}
            tests.append(test)
    score = sum(report.points()[0] for report in reports)
    return {"score": score, "output": remarks(reports), "test_output_format": "text", "tests": tests}


def for_classroom(reports: list[Report]) -> dict:
    """What the graders of GitHub Classroom hand to its reporter: a test for each exercise that a check has judged."""
    tests = [
        {
            "name": name_of(mark, report, reports),
            "status": "pass" if mark.status == "passed" else "fail",
            "message": f"{mark.status}. {mark.message}".rstrip(),
            "score": mark.earned,
            "test_code": "",
            "filename": report.file,
            "line_no": 0,
            "execution_time": 0,
        }
        for report in reports
        for mark in report.counted
    ]
    status = "pass" if tests and all(test["status"] == "pass" for test in tests) else "fail"
    return {
        "version": 1,
        "status": status if tests else "error",
        "max_score": sum(one.points()[1] for one in reports),
        "tests": tests or [{"name": "Marking", "status": "error", "message": remarks(reports), "score": 0}],
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["gradescope", "classroom", "results", "report"])
    parser.add_argument("marks", nargs="?", type=Path, help="the marks.json of scripts/grade.py")
    parser.add_argument("--out", type=Path, default=ROOT / "_build", help="default: _build")
    options = parser.parse_args(arguments)
    if options.what in ("results", "report"):
        if options.marks is None:
            parser.error("say where marks.json is")
        reports = marked(options.marks)
        if options.what == "results":
            print(json.dumps(for_gradescope(reports), indent=1))
        else:
            print("result=" + base64.b64encode(json.dumps(for_classroom(reports)).encode()).decode())
        return 0
    print({"gradescope": gradescope, "classroom": classroom}[options.what](options.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
