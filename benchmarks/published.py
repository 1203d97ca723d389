"""Times that others have told, of other machines: what the original studies published, and the C++ tool of ATLAS."""

from typing import NamedTuple


class Figure(NamedTuple):
    """A time, what it was taken on, and who says so.

    ``where`` is one of ``ONE``, ``WORKERS`` and ``MANY``.
    """

    value: float
    where: str
    machine: str
    source: str


ONE, THREADS, WORKERS, MANY = "one process", "2 threads", "2 workers", "many workers"

_ZEE = (
    "notebooks test_Zee3 and test_Zee_distrClient of adonofri/INFN_na_interactive_analysis on GitHub: 10^6 events, "
    "100 iterations"
)
_STOP4B = "notebook of the original study: Wt, 41 trees with 6.7 million rows; 80 s of it copy files"
_GRAPHS = "presentation of the original study: neither edges, kernel nor machines are told; 1000 chunks"

# 100 variations [s]
ZEE = (
    Figure(1135, ONE, "serial", _ZEE),
    Figure(618, WORKERS, "2 Dask workers", _ZEE),
    Figure(138, MANY, "100 threads", _ZEE),
)
# the sample Wt, in seconds
STOP4B = (Figure(1295, MANY, "72 threads", _STOP4B),)
# Graphs of so many events, and the isomorphism of 500 entries [s]
GRAPHS_17K = (Figure(1200, ONE, "before", _GRAPHS), Figure(60, MANY, "on 120 nodes", _GRAPHS))
GRAPHS_434K = (Figure(1200, MANY, "on 120 nodes", _GRAPHS),)
GRAM_500 = (Figure(600, ONE, "before", _GRAPHS), Figure(67, MANY, "on 120 nodes", _GRAPHS))
