"""What was put into generated data: a file that says so is a test of the calibration from the peak."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import uproot

from processors.zee_atlas.arrangement import NOTE
from processors.zee_atlas.regions import ETA_EDGES, REGIONS

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Injected:
    """Scales and constant terms that data were generated with, by region."""

    alpha: Floats
    constant: Floats


def read_injected(files: Sequence[str]) -> Injected | None:
    """Read what the files of a data set were generated with; None if they do not all say the same of these regions."""
    told = [_note(path).get("injected", {}) for path in files]
    first: dict[str, Any] = told[0] if told else {}
    if first.get("eta_edges") != list(ETA_EDGES) or any(one != first for one in told):
        return None
    columns = (np.array(first[name], dtype=np.float64)[list(REGIONS)] for name in ("alpha", "constant_term"))
    return Injected(*columns)


def _note(path: str) -> dict[str, Any]:
    try:
        with uproot.open(path) as file:
            note = json.loads(str(file[NOTE]))
    except Exception:  # noqa: BLE001  (files that are gone, or say nothing, are none of generated data)
        return {}
    return note if isinstance(note, dict) else {}
