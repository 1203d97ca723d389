"""Take what the tests need of the golden numbers: the first rows, all models, all variations.

    python tests/data/egamma/make.py GOLDEN tests/data/egamma

GOLDEN is the folder of the numbers of the C++ tool, with inputs.npz and golden_*.npz.
"""

import sys
from pathlib import Path

import numpy as np

ROWS = 2500


def main(golden: Path, target: Path) -> None:
    (target / "systematics.json").write_bytes((golden / "systematics.json").read_bytes())
    for path in sorted(golden.glob("*.npz")):
        content = dict(np.load(path))
        count = {len(array) for array in content.values() if len(array) > ROWS}
        taken = {
            name: array[:ROWS] if len(array) > ROWS else array
            for name, array in content.items()
            if name not in ("energyS2", "eraw")
        }
        assert len(count) <= 1, path
        np.savez_compressed(target / path.name, **taken)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
