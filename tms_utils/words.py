"""Real directions: the vectors of 10,000 English words, which come with the package."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["word_vectors"]


def word_vectors() -> tuple[list[str], Float[Tensor, "words dimensions"]]:
    """The 10,000 most frequent words of GloVe 6B, most frequent first, and their vectors in 50 dimensions.

    By Pennington, Socher and Manning (2014), from text of Wikipedia and of news agencies; public domain (PDDL 1.0).
    Stored as half-precision numbers, returned as float32; ``scripts/word_vectors.py`` makes the file.
    """
    with np.load(files("tms_utils") / "data" / "words.npz") as stored:
        return stored["words"].tolist(), torch.from_numpy(stored["vectors"].astype(np.float32))
