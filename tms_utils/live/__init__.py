"""Figures that run inside the page: no kernel, no network, the same in the book, in Jupyter and in Colab."""

from tms_utils.live.playground import playground

__all__ = ["playground"]
