"""In place of pip's own."""

from pip import main

__all__ = ["main"]
