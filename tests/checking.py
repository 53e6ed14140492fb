"""What tests have in common: the chapters, and how the exercises' checks are tried."""

from collections.abc import Callable
from pathlib import Path

import chapter

CHAPTERS = chapter.paths()


def quickest_chapter() -> Path:
    """The chapter that stands for all where running every one would take too long."""
    return min(chapter.all_chapters(), key=lambda chapter: chapter.tms.running_seconds).path


def stub(*_arguments):
    """An exercise as the reader finds it."""
    raise NotImplementedError("your code here")


def messages(check: Callable, attempts: list) -> list[str]:
    """The message for each wrong attempt; none may pass, and no two may be the same."""
    verdicts = [check(attempt) for attempt in attempts]
    assert [v.status for v in verdicts] == ["failed"] * len(verdicts), verdicts
    texts = [v.message for v in verdicts]
    assert len(set(texts)) == len(texts), texts
    return texts


def expect_failures(check: Callable, wrong_answers: list[tuple]) -> None:
    """Each wrong answer fails, with these words in a message of its own."""
    texts = messages(check, [attempt for attempt, _ in wrong_answers])
    for text, (_, words) in zip(texts, wrong_answers, strict=True):
        assert words in text, text
