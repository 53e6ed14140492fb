"""What the command `pip` calls."""

from pip import main

__all__ = ["main"]
