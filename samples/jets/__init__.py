"""Large-R jets with their constituents: QCD and W' -> WZ by Pythia 8, as files of PFNano."""

from samples.jets.processes import QCD, WPRIME
from samples.jets.sample import NAME, Request, generate

__all__ = ["NAME", "QCD", "WPRIME", "Request", "generate"]
