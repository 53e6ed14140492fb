"""Figures that run inside the page: no kernel, no network, the same in the book, in Jupyter and in Colab."""

from tms_utils.live.activation_space import activation_space
from tms_utils.live.many_seeds import many_seeds
from tms_utils.live.memory import memory
from tms_utils.live.phase_diagram import phase_diagram
from tms_utils.live.playground import playground
from tms_utils.live.read_out import read_out
from tms_utils.live.squeeze import squeeze
from tms_utils.live.staircase import staircase
from tms_utils.live.sweep import sweep

__all__ = [
    "activation_space",
    "many_seeds",
    "memory",
    "phase_diagram",
    "playground",
    "read_out",
    "squeeze",
    "staircase",
    "sweep",
]
