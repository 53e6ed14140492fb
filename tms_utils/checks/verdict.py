"""What a check returns, and the decorator that makes one of a plain function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Verdict", "exercise", "require"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one exercise's check; its repr is the sentence the reader sees."""

    exercise: str
    status: Literal["passed", "failed", "not attempted"]
    message: str = ""

    def __repr__(self) -> str:
        if self.status == "not attempted":
            return f"Exercise {self.exercise}: not attempted yet."
        return f"Exercise {self.exercise}: {self.status}. {self.message}".rstrip()


class WrongAnswer(Exception):
    """Raised by ``require`` inside a check; its message tells the reader what is wrong and why."""


def require(condition: Any, message: str) -> None:
    """Fail the exercise with ``message`` unless ``condition`` holds."""
    if not condition:
        raise WrongAnswer(message)


def exercise(number: str) -> Callable[[Callable[..., str]], Callable[..., Verdict]]:
    """Make a check of a function that calls ``require`` and returns the sentence for a right answer.

    An attempt of None, or one that raises NotImplementedError, counts as not attempted. Any other exception
    is reported as the attempt's own, by name.
    """

    def decorate(check: Callable[..., str]) -> Callable[..., Verdict]:
        @functools.wraps(check)
        def checked(*attempts: Any) -> Verdict:
            if any(attempt is None for attempt in attempts):
                return Verdict(number, "not attempted")
            try:
                return Verdict(number, "passed", check(*attempts))
            except NotImplementedError as error:
                if "not implemented for" in str(error):  # PyTorch's own, as for a product of bools
                    return Verdict(number, "failed", f"Your code raised NotImplementedError: {error}")
                return Verdict(number, "not attempted")
            except WrongAnswer as wrong:
                return Verdict(number, "failed", str(wrong))
            except Exception as error:  # the reader's own code may raise anything
                return Verdict(number, "failed", f"Your code raised {type(error).__name__}: {error}")

        checked.exercise = number
        checked.__annotations__ = {}
        return checked

    return decorate
