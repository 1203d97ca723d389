"""Jet graphs and graph kernels, of whole chunks of jets at once."""

from hepcol.graphs.build import build
from hepcol.graphs.classes import classes
from hepcol.graphs.constituents import Constituents
from hepcol.graphs.features import Features, features
from hepcol.graphs.files import read_folder
from hepcol.graphs.gram import gram
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.labels import labels
from hepcol.graphs.recipe import Recipe
from hepcol.graphs.similarity import Reference, mean_similarity

__all__ = [
    "Constituents",
    "Features",
    "JetGraphs",
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
