"""Make grakel.npz anew: Gram matrices of GraKeL of toy jets, which the tests compare with where GraKeL is not.

Needs the extra graphs-bench. Run from the checkout: python -m tests.data.graphs.make_grakel
"""

from pathlib import Path

import numpy as np

from hepcol.graphs import Constituents, build, labels
from tests.hepcol.graphs.toys import toy_jets

FILE = Path(__file__).with_name("grakel.npz")
N_GRAPHS = 200
LEVELS = 5
JETS = ("pt", "eta", "phi", "offsets")
NEAR, NEAREST = {"edges": "dr", "r": 0.4}, {"edges": "knn", "k": 7}
# with more bins of ptfrac hardly two nodes have the same subtree; with none, many have
COARSE, ALIKE = {"by": "ptfrac", "bins": (1 / 128, 1 / 16)}, {"by": "none"}
SETTINGS = {"dr": (NEAR, COARSE), "knn": (NEAREST, COARSE), "alike": (NEAR, ALIKE)}


def make():
    """Return what the file has in it: jets, labels, and the matrices, above and on the diagonal.

    Of Weisfeiler-Lehman they are the differences between levels, which are small numbers.
    """
    import grakel

    toys = toy_jets(N_GRAPHS + 1, seed=6, most=36)
    # GraKeL takes no empty graphs; half precision makes the file small
    jets = {name: getattr(toys, name).astype(np.float16) for name in ("pt", "eta", "phi")}
    assert toys.offsets[1] == 0
    made = {**jets, "offsets": toys.offsets[1:]}
    upper = np.triu_indices(N_GRAPHS)
    for name, (edges, of_nodes) in SETTINGS.items():
        graphs = build(Constituents(**made_jets(made)), node_features=("pt", "ptfrac"), **edges)
        theirs = grakel_graphs(graphs, labels(graphs, **of_nodes))
        below = 0
        for level in range(LEVELS + 1):
            kernel = grakel.WeisfeilerLehman(n_iter=level) if level else grakel.VertexHistogram()
            matrix = kernel.fit_transform(theirs)[upper]
            made[f"{name}_wl_{level}"] = whole(matrix - below)
            below = matrix
        made[f"{name}_sp"] = whole(grakel.ShortestPath().fit_transform(theirs)[upper])
    return made


def grakel_graphs(graphs, of_nodes):
    """Return GraKeL's graphs, by matrices: of lists of neighbours its shortest path fails for lonely nodes."""
    import grakel

    made = []
    for i in range(len(graphs)):
        found = of_nodes[graphs.ptr[i] : graphs.ptr[i + 1]].tolist()
        joined = np.zeros((len(found), len(found)), dtype=np.int64)
        joined[tuple(np.array(list(graphs.adjacency(i)), dtype=np.int64).reshape(-1, 2).T)] = 1
        made.append(grakel.Graph(joined, node_labels=dict(enumerate(found))))
    return made


def made_jets(made):
    """Return the jets in single precision."""
    return {name: made[name] if name == "offsets" else made[name].astype(np.float32) for name in JETS}


def whole(matrix):
    """Whole numbers, in as few bytes as they fit."""
    rounded = np.rint(matrix).astype(np.int64)
    assert (rounded == matrix).all()
    return rounded.astype(np.min_scalar_type(-int(rounded.max())))


if __name__ == "__main__":
    np.savez_compressed(FILE, **make())
