"""Z -> ee in ATLAS: Pythia 8 and a parametrised detector, as files of PHYSLITE, of simulation and of pseudo-data."""

from samples.zee_atlas.sample import NAME, generate

__all__ = ["NAME", "generate"]
