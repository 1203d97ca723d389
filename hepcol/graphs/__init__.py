"""Jet graphs and graph kernels, of whole chunks of jets at once."""

from hepcol.graphs.build import build
from hepcol.graphs.constituents import Constituents
from hepcol.graphs.files import read_folder
from hepcol.graphs.jetgraphs import JetGraphs
from hepcol.graphs.recipe import Recipe

__all__ = ["Constituents", "JetGraphs", "Recipe", "build", "read_folder"]
