"""The scale factors of the sample as a file of correctionlib: ``python -m samples.zee_atlas.scale_factors FILE``.

They are what the pseudo-data have in truth, with uncertainties that are ours.
"""

import json
import sys
from pathlib import Path
from typing import Any

from samples.zee_atlas.truth import EFFICIENCY_ETA, EFFICIENCY_PT, SCALE_FACTORS, ScaleFactor

_SIGNS = {"nominal": 0.0, "up": 1.0, "down": -1.0}
_DIGITS = 6


def corrections() -> dict[str, Any]:
    """Return the file's content, in correctionlib's schema 2."""
    return {
        "schema_version": 2,
        "description": "Electron efficiencies of the pseudo-data of hepcol's sample zee-atlas over those of its "
        "simulation: made up, not physics",
        "corrections": [_correction(one) for one in SCALE_FACTORS],
    }


def _correction(factor: ScaleFactor) -> dict[str, Any]:
    return {
        "name": f"electron_{factor.name}",
        "version": 1,
        "description": f"{factor.name} efficiency of data over that of simulation; {factor.systematic}",
        "inputs": [
            {"name": "systematic", "type": "string", "description": ", ".join(_SIGNS)},
            {"name": "abs_eta", "type": "real", "description": "|eta| of the cluster in the second layer"},
            {"name": "pt", "type": "real", "description": "calibrated pt [GeV]"},
        ],
        "output": {"name": "scale_factor", "type": "real"},
        "data": {
            "nodetype": "category",
            "input": "systematic",
            "content": [{"key": key, "value": _binning(factor, sign)} for key, sign in _SIGNS.items()],
        },
    }


def _binning(factor: ScaleFactor, sign: float) -> dict[str, Any]:
    content = factor.table() + sign * factor.errors()
    return {
        "nodetype": "multibinning",
        "inputs": ["abs_eta", "pt"],
        "edges": [list(EFFICIENCY_ETA), list(EFFICIENCY_PT)],
        "content": [round(float(value), _DIGITS) for value in content.ravel()],
        "flow": "clamp",
    }


def main() -> None:
    """Write the file."""
    Path(sys.argv[1]).write_text(json.dumps(corrections(), indent=1) + "\n")


if __name__ == "__main__":
    main()
