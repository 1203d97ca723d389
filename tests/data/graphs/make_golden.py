"""Make golden.json anew: SHA-256, the first half, of graphs, which have the same bits on any CPU.

Run from the checkout: python -m tests.data.graphs.make_golden
"""

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np

from hepcol.events import open_events
from hepcol.graphs import Constituents, build
from samples.catalogue import JETS_QCD

FILE = Path(__file__).with_name("golden.json")
TRANSFORMS = ("none", "center", "center_rotate_flip", "reference_boost", "fixed_mpt")
EDGES = {
    "dr": {},
    "dr, all nodes, loops": {"nmax": None, "self_loops": True},
    "knn": {"edges": "knn"},
    "knn, one way": {"edges": "knn", "undirected": False},
    "full": {"edges": "full"},
}
FEATURES = {
    "node_features": "pt,eta,phi,mass,energy,lnpt,lnenergy,ptfrac,lnptfrac,radius",
    "edge_features": "dr,lnkt,lnz,lnm2",
}
ARRAYS = ("ptr", "x", "edge_ptr", "edge_index", "edge_attr")


def lattice(n_jets=60):
    """Jets of up to 90 constituents on a lattice: many are equally near, and some have one place, or no pt."""
    counts = np.arange(n_jets) * 37 % 91
    offsets = np.concatenate([[0], np.cumsum(counts)])
    n = np.arange(offsets[-1])
    pt, eta, phi = n * 2654435761 % 997 / 8, n * 40503 % 61 / 32 - 1, n * 48271 % 401 / 64 - 3.125
    return Constituents(pt, eta, phi, offsets, n % 3 / 8)


def make():
    """Return the hashes: of each jets, transform and edges, one of what is in each array."""
    all_jets = {"lattice": lattice(), "jets-qcd": Constituents.from_events(open_events(JETS_QCD.path))}
    made = {}
    for (name, jets), transform, edges in itertools.product(all_jets.items(), TRANSFORMS, EDGES):
        graphs = build(jets, transform=transform, **EDGES[edges], **FEATURES)
        made[f"{name}, {transform}, {edges}"] = {
            array: hashlib.sha256(getattr(graphs, array).tobytes()).hexdigest()[:32] for array in ARRAYS
        }
    return made


if __name__ == "__main__":
    FILE.write_text(json.dumps(make(), indent=1) + "\n", encoding="utf-8")
