"""Figures that run inside the page: no kernel, no network, the same in the book, in Jupyter and in Colab."""

from tms_utils.live.activation_space import activation_space
from tms_utils.live.many_seeds import many_seeds
from tms_utils.live.phase_diagram import phase_diagram
from tms_utils.live.playground import playground
from tms_utils.live.squeeze import squeeze

__all__ = ["activation_space", "many_seeds", "phase_diagram", "playground", "squeeze"]
