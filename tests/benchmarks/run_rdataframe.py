"""Everything of ROOT that the tests compare with, in a process of its own.

ROOT warns loudly, and changes signals and streams of the process that imports it.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "rdataframe"))
import reference


def run(folder, files, smearing, few_smearings, axes, points):
    for path in files:
        for electrons in reference.ELECTRONS:
            name = f"{Path(path).stem}-{electrons}"
            save(folder / f"{name}-smeared", reference.smeared(path, electrons, **smearing))
            if electrons != reference.ORIGINAL:
                save(folder / f"{name}-plain", reference.plain(path, electrons))
                values = reference.smeared_values(path, electrons, **few_smearings)
                np.savez(folder / f"{name}-values.npz", **values)
    bins = [[reference.ROOT.TAxis(*axis).FindFixBin(x) for x in row] for axis, row in zip(axes, points, strict=True)]
    (folder / "bins.json").write_text(json.dumps(bins))


def save(stem, found):
    np.savez(stem.with_suffix(".npz"), **found.counts)
    stem.with_suffix(".json").write_text(json.dumps(found.cutflow))


if __name__ == "__main__":
    run(Path(sys.argv[1]), **json.load(sys.stdin))
