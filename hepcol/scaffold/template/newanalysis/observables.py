"""What is observed of each event, as plain arrays: one number an event, NaN where there is none."""

import awkward as ak
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
PAIR = 2


def observe(electrons: ak.Array, scale: float = 1.0) -> dict[str, FloatArray]:
    """Return the observables of each event.

    Parameters
    ----------
    electrons : ak.Array
        Electrons, the one of highest energy first.
    scale : float
        Factor on their energies and momenta.
    """
    pairs = ak.pad_none(electrons, PAIR, clip=True)
    first, second = ({name: _plain(pairs[name][:, k]) for name in pairs.fields} for k in range(PAIR))
    total = {name: first[name] + second[name] for name in ("energy", "px", "py", "pz")}
    momentum = sum((total[name] * total[name] for name in ("px", "py", "pz")), start=np.zeros(len(electrons)))
    return {
        "n_electrons": _plain(ak.num(electrons)),
        "charge": first["charge"] + second["charge"],
        "leading_energy": first["energy"] * scale,
        "subleading_energy": second["energy"] * scale,
        "m_ee": np.sqrt(np.maximum(total["energy"] * total["energy"] - momentum, 0)) * scale,
    }


def _plain(column: ak.Array) -> FloatArray:
    """Return one number an event, NaN where there is none."""
    return np.asarray(ak.to_numpy(ak.fill_none(column, np.nan)), dtype=np.float64)
