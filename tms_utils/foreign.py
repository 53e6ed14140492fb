"""Notebook files that other programs have written: any encoding, and whatever stands in their metadata."""

from __future__ import annotations

import json
import re

__all__ = ["INSTALLS", "NOT_INSTALLED", "clean", "decoded"]

INSTALLS = re.compile(r"\bpip3?\s+(?:un)?install|\b(?:conda|mamba)\s+install|\buv\s+(?:pip|add)")
NOT_INSTALLED = "asked for packages: hand-ins are marked with those of the course, and none is installed"


def decoded(content: bytes) -> str:
    """The text of a file: any Unicode encoding, with a byte order mark or without one, or a Windows code page."""
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def clean(raw: dict) -> None:
    """Make types be what the format promises: other programs write null, numbers and texts in their place."""
    raw["metadata"] = metadata = as_dict(raw.get("metadata"))
    metadata["tms"] = tms = as_dict(metadata.get("tms"))
    if isinstance(number := tms.get("chapter"), str) and number.strip().isdigit():
        tms["chapter"] = int(number)
    if type(tms.get("chapter")) is not int:
        tms.pop("chapter", None)
    for holder in [raw, *(raw.get("worksheets") or [])]:
        if "cells" in holder:
            holder["cells"] = [clean_cell(cell) for cell in holder["cells"] or [] if isinstance(cell, dict)]


def clean_cell(cell: dict) -> dict:
    cell["metadata"] = metadata = as_dict(cell.get("metadata"))
    tags = metadata.pop("tags", None)
    tags = tags.replace(",", " ").split() if isinstance(tags, str) else tags
    if isinstance(tags, list):
        metadata["tags"] = [tag for tag in tags if isinstance(tag, str)]
    if "exercise" in metadata:
        metadata["exercise"] = str(metadata["exercise"])
    if cell.get("cell_type") not in ("code", "markdown", "raw", "heading"):
        cell["cell_type"] = "raw"
    for key in ("source", "input"):
        if key in cell and not isinstance(cell[key], str):
            lines = cell[key] if isinstance(cell[key], list) else []
            cell[key] = "".join(line for line in lines if isinstance(line, str))
    if cell["cell_type"] == "code":
        cell["outputs"] = []  # what it has printed is of no interest here, and may be anything
        if not isinstance(cell.get("execution_count"), int):
            cell["execution_count"] = None
    else:
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    if "source" not in cell and "input" not in cell:
        cell["source"] = ""
    return cell


def as_dict(found: object) -> dict:
    return found if isinstance(found, dict) else {}
