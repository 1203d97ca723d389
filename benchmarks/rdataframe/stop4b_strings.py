"""The stop 4-body analysis by RDataFrame from strings: as it was first written, and as one who knows it would."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stop4b_cuts import NOMINAL, Kind, Selection, Yield, Yields, kind_of, no_yields

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "\\s*This distribution of ROOT is in alpha stage", UserWarning)
    import ROOT

NOMINAL_SUFFIXES = ("WEIGHTS", "NONE")  # of simulation, and of data


@dataclass(frozen=True)
class Dataset:
    """A tree of one sample and variation, in the files of all campaigns."""

    sample: str
    variation: str
    tree: str
    paths: tuple[str, ...]

    @cached_property
    def kind(self) -> Kind:
        return kind_of(self.sample)

    def weights(self, chosen: frozenset[str] | None) -> dict[str, str]:
        """Expressions of the weights that are asked for: that of the tree, and its variations if it is nominal."""
        weights = {self.variation: self.kind.weight}
        if self.variation == NOMINAL:
            weights |= {column: self.kind.varied_weight(column) for column in self.kind.variations}
        return {name: text for name, text in weights.items() if chosen is None or name in chosen}


def find_datasets(paths: Iterable[Path], chosen: frozenset[str] | None = None) -> list[Dataset]:
    """Trees of the files that have a variation which is asked for."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in paths:
        sample, suffixes = _trees_of(path)
        for suffix in suffixes:
            variation = NOMINAL if suffix in NOMINAL_SUFFIXES else suffix
            found[sample, variation, f"{sample}_{suffix}"].append(str(path))
    datasets = [Dataset(*key, tuple(files)) for key, files in found.items()]
    return [dataset for dataset in datasets if dataset.weights(chosen)]


def _trees_of(path: Path) -> tuple[str, list[str]]:
    """Sample of a file and suffixes of its trees."""
    file = ROOT.TFile.Open(str(path))
    names = [key.GetName() for key in file.GetListOfKeys() if key.GetClassName() == "TTree"]
    file.Close()
    for suffix in NOMINAL_SUFFIXES:
        for name in names:
            if name.endswith(f"_{suffix}"):
                sample = name.removesuffix(f"_{suffix}")
                return sample, [other.removeprefix(f"{sample}_") for other in names]
    raise ValueError(f"{path} has no nominal tree: its name ends in {' or '.join(NOMINAL_SUFFIXES)}")


# As it was first written. Strings, and a loop for everything that is asked for.


def run_original(
    datasets: Sequence[Dataset], selection: Selection, chosen: frozenset[str] | None
) -> tuple[Yields, int]:
    """Run the loops of the original study; return what they found and the number of rows.

    Of each region and tree: one for a histogram of one bin, three to count and print; of each variation of the
    weight, one more for each region.
    """
    yields = no_yields()
    rows = 0
    for dataset in datasets:
        for region in selection.regions:
            frame = ROOT.RDataFrame(dataset.tree, dataset.paths)
            entries = frame.Count().GetValue()
            frame = frame.Filter(selection.preselects(dataset.kind), "Preselection")
            frame.Count().GetValue()
            frame = frame.Filter(selection.in_region(region), region)
            frame.Count().GetValue()
            frame = frame.Define("cuts", "1.")
            for name, weight in dataset.weights(chosen).items():
                model = (f"h{dataset.sample}_{name}_{region}_obs_cuts", "", 1, 0.5, 1.5)
                histogram = frame.Define("finalWeight", weight).Histo1D(model, "cuts", "finalWeight")
                number = histogram.GetEntries()
                yields[dataset.sample][name][region] = [int(number), *_bin(histogram, 1)]
        rows += entries
    return yields, rows


# As one who knows RDataFrame writes it.


@dataclass
class Booked:
    """A graph with all that is booked on it.

    ``cells`` has a bin for each dataset, region and quantity, and that order: first the number of rows, then each
    weight of ``weights``.
    """

    datasets: list[Dataset]
    weights: dict[str, str]
    cells: Any
    rows: Any

    @property
    def handles(self) -> tuple[Any, Any]:
        return self.cells, self.rows

    def fill(self, yields: Yields, regions: Sequence[str]) -> None:
        """Read the histogram."""
        cells, width = self.cells.GetValue(), 1 + len(self.weights)
        for n, dataset in enumerate(self.datasets):
            for r, region in enumerate(regions):
                first = (n * len(regions) + r) * width + 1
                number = int(cells.GetBinContent(first))
                for k, name in enumerate(self.weights, start=1):
                    variation = dataset.variation if name == NOMINAL else name
                    yields[dataset.sample][variation][region] = [number, *_bin(cells, first + k)]


def run_best(
    datasets: Sequence[Dataset], selection: Selection, chosen: frozenset[str] | None, client: Any = None
) -> tuple[Yields, int]:
    """Run one loop over all trees of a kind that have the same weights; return what was found and the number of rows.

    A frame for each tree and ``RunGraphs`` takes as long for one sample, as ROOT 6.40 compiles equal strings once, and
    0.5 s of 3 s more for eight; on a cluster each tree would be a round of tasks that compile.
    """
    groups: dict[tuple[Kind, tuple[str, ...]], list[Dataset]] = defaultdict(list)
    for dataset in datasets:
        names = tuple(NOMINAL if name == dataset.variation else name for name in dataset.weights(chosen))
        groups[dataset.kind, names].append(dataset)
    booked = [_book(group, selection, kind, names, client) for (kind, names), group in groups.items()]
    ROOT.RDF.RunGraphs([handle for graph in booked for handle in graph.handles])
    yields = no_yields()
    for graph in booked:
        graph.fill(yields, list(selection.regions))
    return yields, sum(int(graph.rows.GetValue()) for graph in booked)


def _book(datasets: list[Dataset], selection: Selection, kind: Kind, names: tuple[str, ...], client: Any) -> Booked:
    weights = {name: kind.weight if name == NOMINAL else kind.varied_weight(name) for name in names}
    n_cells = len(datasets) * len(selection.regions) * (1 + len(weights))
    frame = _chain(datasets, client)
    rows = frame.Count()
    frame = (
        frame.DefinePerSample("dataset", 'rdfsampleinfo_.GetI("dataset")')
        .Filter(selection.first)
        .Filter(selection.passes(kind))
        .Define("cells", _cells(selection, 1 + len(weights)))
        .Define("weights", f"ROOT::RVecD one{{1., {', '.join(weights.values())}}}, all; {_REPEAT} return all;")
    )
    cells = frame.Histo1D(("cells", "", n_cells, -0.5, n_cells - 0.5), "cells", "weights")
    return Booked(datasets, weights, cells, rows)


# a row is in the same cells of each region that it is in
_REPEAT = "while (all.size() < cells.size()) all.insert(all.end(), one.begin(), one.end());"


def _cells(selection: Selection, width: int) -> str:
    """Expression of the cells that a row fills."""
    lines = ["ROOT::RVecI cells;"]
    for n, region in enumerate(selection.regions):
        first = f"(dataset * {len(selection.regions)} + {n}) * {width}"
        lines.append(
            f"if ({selection.in_region(region)}) for (int k = 0; k < {width}; ++k) cells.push_back({first} + k);"
        )
    return " ".join((*lines, "return cells;"))


def _chain(datasets: Sequence[Dataset], client: Any) -> Any:
    """Frame of the trees one after another, each of which knows its number."""
    specification = ROOT.RDF.Experimental.RDatasetSpec()
    for number, dataset in enumerate(datasets):
        facts = ROOT.RDF.Experimental.RMetaData()
        facts.Add("dataset", number)
        specification.AddSample(ROOT.RDF.Experimental.RSample(dataset.tree, dataset.tree, dataset.paths, facts))
    return ROOT.RDataFrame(specification, **({"executor": client} if client else {}))


def _bin(histogram: Any, number: int) -> Yield:
    """Sum of weights of a bin, and of their squares: which ROOT does not keep while all weights are 1."""
    content = histogram.GetBinContent(number)
    squares = histogram.GetSumw2()
    return [content, squares.At(number) if squares.GetSize() else content]
