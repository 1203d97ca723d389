"""What is in some files of a fileset, and what there is to do in all of them, if the others are alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from typing import Any

from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution.account import nothing_readable
from hepcol.execution.chunk import Probe, probe
from hepcol.fileset import Dataset, Fileset, InputFile
from hepcol.ledger import FileRecord

SAMPLE = 8  # files that are looked into, and datasets of each of which there is one among them

Ranges = tuple[int, ...]  # of a file: the events of each range of its entries that is to be processed


@dataclass(frozen=True)
class Sample:
    """Some files of a fileset.

    Parameters
    ----------
    files : int
        How many files the fileset has; of one with several trees it is still one.
    looked : int
        How many of them were looked into.
    unreadable : tuple of str
        Of those that cannot be read, why.
    ranges : dict of str to list of tuple
        What is to be done in each file of each dataset that can be read; of those that were not looked into, as much
        as in the others.
    largest : dict of str to (InputFile, FileRecord)
        The file with most events, of each dataset that has events in a file that was looked into.
    """

    files: int
    looked: int
    unreadable: tuple[str, ...]
    ranges: Mapping[str, Sequence[Ranges]]
    largest: Mapping[str, tuple[InputFile, FileRecord]]

    @property
    def events(self) -> dict[str, int]:
        """Events of each dataset."""
        return {name: sum(sum(one) for one in every) for name, every in self.ranges.items()}


def look(processor: Any, inputs: Fileset, topic: str) -> Sample:
    """Look into some files, and into more as long as none has events.

    Raises
    ------
    InputError
        If no file has events.
    """
    chosen = _spread(inputs)
    found: dict[tuple[str, InputFile], FileRecord] = {}
    for name, file in chain(chosen, _others(inputs, chosen)):
        if len(found) >= len(chosen) and any(record.entries for record in found.values()):
            break
        columns = required_columns(processor, inputs[name].metadata)
        (found[name, file],) = probe(Probe(topic, name, file, columns))
    if not any(record.entries for record in found.values()):
        raise InputError(nothing_readable(list(found.values())))
    every = [(record.stored or 0,) for record in found.values() if not record.error]
    largest: dict[str, tuple[InputFile, FileRecord]] = {}
    for (name, file), record in found.items():
        if record.entries and (name not in largest or record.entries > (largest[name][1].entries or 0)):
            largest[name] = file, record
    return Sample(
        len({file.path for dataset in inputs.values() for file in dataset.files}),
        len({file.path for _, file in found}),
        tuple(record.message for record in found.values() if record.error),
        {name: list(_estimated(name, dataset, found, every)) for name, dataset in inputs.items()},
        largest,
    )


def _spread(inputs: Fileset) -> list[tuple[str, InputFile]]:
    """Choose files: of the whole fileset in equal steps, and one of each of some datasets."""
    every = [(name, file) for name, dataset in inputs.items() for file in dataset.files]
    step = max(1.0, len(every) / SAMPLE)
    chosen = [every[int(number * step)] for number in range(min(SAMPLE, len(every)))]
    firsts = [(name, dataset.files[0]) for name, dataset in inputs.items() if dataset.files]
    missing = [one for one in firsts if one[0] not in {name for name, _ in chosen}]
    return [*chosen, *missing[: max(0, SAMPLE - len({name for name, _ in chosen}))]]


def _others(inputs: Fileset, chosen: Sequence[tuple[str, InputFile]]) -> Iterator[tuple[str, InputFile]]:
    """Yield the files that were not chosen."""
    for name, dataset in inputs.items():
        for file in dataset.files:
            if (name, file) not in chosen:
                yield name, file


def _ranges(file: InputFile, record: FileRecord) -> Ranges:
    return (record.entries or 0,) if file.steps is None else tuple(stop - start for start, stop in file.steps)


def _estimated(
    name: str, dataset: Dataset, found: Mapping[tuple[str, InputFile], FileRecord], every: Sequence[Ranges]
) -> Iterator[Ranges]:
    """Yield the ranges of each file of a dataset: as found or given, else all of the dataset's others in turn."""
    known = {file: record for (of, file), record in found.items() if of == name and not record.error}
    left = [file for file in dataset.files if (name, file) not in found]
    supposed = islice(cycle([(record.stored or 0,) for record in known.values()] or every), len(left))
    yield from (_ranges(file, record) for file, record in known.items())
    for file, one in zip(left, supposed, strict=True):
        yield one if file.steps is None else tuple(stop - start for start, stop in file.steps)
