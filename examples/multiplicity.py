"""A coffea processor as anybody writes it: a dictionary of histograms and numbers, and no hepcol in it.

Run it with ``hepcol run examples/multiplicity.py:Multiplicity FILES -p max_particles=60 -o DIR``.
"""

import awkward as ak
import hist
from coffea.processor import ProcessorABC


class Multiplicity(ProcessorABC):
    """Count the generated and the reconstructed particles of each event."""

    def __init__(self, max_particles: int = 100) -> None:
        self.max_particles = max_particles

    def process(self, events):
        histograms = {}
        for name in ("Particle", "ReconstructedParticles"):
            axis = hist.axis.Integer(0, self.max_particles, name="n", label=f"number of {name}")
            histograms[name] = hist.Hist(axis, storage=hist.storage.Int64()).fill(ak.num(events[name].px))
        return {events.metadata["dataset"]: {"multiplicity": histograms, "events": len(events)}}

    def postprocess(self, accumulator):
        return accumulator
