"""The electrons of an event, from the columns of EDM4hep."""

import awkward as ak
import numpy as np

MOMENTUM = ("px", "py", "pz", "mass")  # GeV
LINKS = "Electronidx0"  # which reconstructed particles are electrons
# What is read of a file; a run is refused if one of them is not there
COLUMNS = (*(f"ReconstructedParticles.{name}" for name in (*MOMENTUM, "charge")), f"{LINKS}.index")


def select_electrons(events: ak.Array) -> ak.Array:
    """Return the electrons of each event, the one of highest energy first, in double precision."""
    particles = events.ReconstructedParticles
    index = events[LINKS].index
    index = index[(index >= 0) & (index < ak.num(particles.px))]  # other links lead nowhere
    columns = {name: ak.values_astype(particles[name][index], np.float64) for name in (*MOMENTUM, "charge")}
    squares = (columns[name] * columns[name] for name in MOMENTUM)
    electrons = ak.zip({**columns, "energy": np.sqrt(sum(squares))})
    return electrons[ak.argsort(electrons.energy, ascending=False)]
