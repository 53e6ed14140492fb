"""The rules that every chapter keeps, one function each; ``scripts/rules.py`` runs them.

``opening`` looks at the first cells, ``outputs`` at what the cells have printed and drawn, ``text`` at prose and
code, ``exercises`` at exercises and claims. A new rule is a function in one of them, and a way to break it in
``tests/chapters/test_rules.py``.
"""

from collections.abc import Callable, Iterator

from chapter import Chapter

Rule = Callable[[Chapter], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a check that yields one message for each fault of a chapter, and says what to do about it."""
    RULES[function.__name__] = function
    return function
