"""The word vectors that come with the package."""

import torch

from tms_utils.words import word_vectors


def test_ten_thousand_words_in_fifty_dimensions_most_frequent_first() -> None:
    words, vectors = word_vectors()
    assert vectors.shape == (10_000, 50)
    assert vectors.dtype == torch.float32
    assert vectors.isfinite().all()
    assert len(set(words)) == len(words) == 10_000
    assert words[:3] == ["the", ",", "."]


def test_each_vector_belongs_to_its_word() -> None:
    words, vectors = word_vectors()
    directions = vectors / vectors.norm(dim=1, keepdim=True)
    for word, near in (("monday", "tuesday"), ("france", "belgium"), ("three", "four")):
        cosines = directions @ directions[words.index(word)]
        assert near in [words[i] for i in cosines.topk(6).indices]
