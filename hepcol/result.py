"""What a processor returns: counts, histograms, samples of rows and files of each dataset, merged with ``+``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hepcol.chunkfiles import ChunkFile, in_order, joined
from hepcol.histograms import Histogram
from hepcol.rowsample import RowSample
from hepcol.sums import ExactSum


@dataclass(frozen=True, eq=False)
class DatasetResult:
    """Result of one dataset, or of one chunk of it.

    Parameters
    ----------
    events : int
        Events that were processed.
    sum_weights : ExactSum
        Sum of their weights; of ones, where events have none.
    cutflow : dict of str to int
        Events that passed each step, in order; the last one is the selection.
    tallies : dict of str to int
        Other counts, such as objects that could not be used.
    histograms : dict of str to Histogram
        Histograms by name.
    samples : dict of str to RowSample
        Samples of rows by name.
    files : tuple of ChunkFile
        What goes to files of their own, sorted by source and entries.
    """

    events: int
    sum_weights: ExactSum
    cutflow: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    samples: Mapping[str, RowSample] = field(default_factory=dict)
    files: tuple[ChunkFile, ...] = ()

    def __post_init__(self) -> None:
        """Sort the files, so that sums do not depend on what comes first."""
        object.__setattr__(self, "files", in_order(self.files))

    def __add__(self, other: "DatasetResult") -> "DatasetResult":
        """Merge; both need the same steps, tallies, histograms and samples."""
        for what in ("cutflow", "tallies", "histograms", "samples"):
            mine, theirs = list(getattr(self, what)), list(getattr(other, what))
            if mine != theirs:
                raise ValueError(f"results with different {what} do not merge: {mine} and {theirs}")
        return DatasetResult(
            self.events + other.events,
            self.sum_weights + other.sum_weights,
            {step: passed + other.cutflow[step] for step, passed in self.cutflow.items()},
            {name: count + other.tallies[name] for name, count in self.tallies.items()},
            {name: histogram + other.histograms[name] for name, histogram in self.histograms.items()},
            {name: sample + other.samples[name] for name, sample in self.samples.items()},
            joined(in_order(self.files), in_order(other.files)),
        )

    @property
    def selected(self) -> int:
        """Events that passed the last step of the cutflow; all of them without a cutflow."""
        return list(self.cutflow.values())[-1] if self.cutflow else self.events


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, DatasetResult]):
    """Results by dataset; like merges with like, so coffea's executors merge it as it is."""

    datasets: Mapping[str, DatasetResult]

    def __add__(self, other: "Result") -> "Result":
        """Merge dataset by dataset."""
        merged = dict(self.datasets)
        for name, part in other.datasets.items():
            merged[name] = merged[name] + part if name in merged else part
        return Result(merged)

    def __getitem__(self, dataset: str) -> DatasetResult:
        """Return the result of one dataset."""
        return self.datasets[dataset]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the datasets."""
        return iter(self.datasets)

    def __len__(self) -> int:
        """Count the datasets."""
        return len(self.datasets)
