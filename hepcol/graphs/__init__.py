"""Jet graphs and graph kernels, of whole chunks of jets at once."""

from hepcol.graphs.constituents import Constituents
from hepcol.graphs.construction import build
from hepcol.graphs.counts import DEFAULT_LEVELS, Features, Kind, features
from hepcol.graphs.files import read_folder
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.labelling import labels
from hepcol.graphs.products import gram
from hepcol.graphs.recipe import Recipe
from hepcol.graphs.sameness import classes
from hepcol.graphs.similarity import Reference, mean_similarity

__all__ = [
    "DEFAULT_LEVELS",
    "Constituents",
    "Features",
    "JetGraphs",
    "Kind",
    "Recipe",
    "Reference",
    "build",
    "classes",
    "features",
    "gram",
    "labels",
    "mean_similarity",
    "read_folder",
]
