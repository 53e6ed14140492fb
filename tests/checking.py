"""What tests have in common: the chapters."""

from pathlib import Path

import chapter

CHAPTERS = chapter.paths()


def quickest_chapter() -> Path:
    """The chapter that stands for all where running every one would take too long."""
    return min(chapter.all_chapters(), key=lambda one: one.tms.running_seconds).path
