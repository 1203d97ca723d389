"""What is in some files of a fileset, and what there is to do in all of them, if the others are alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Any

from hepcol.errors import InputError
from hepcol.events import required_columns
from hepcol.execution.account import nothing_readable
from hepcol.execution.chunk import Probe, probe
from hepcol.fileset import Dataset, Fileset, InputFile
from hepcol.ledger import FileRecord

SAMPLE = 8  # files that are looked into, and datasets of each of which there is one among them
_FURTHER = 100  # that are looked into as long as all are empty

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
    estimated : bool
        Whether there are others, or other trees of them.
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
    estimated: bool
    unreadable: tuple[str, ...]
    ranges: Mapping[str, Sequence[Ranges]]
    largest: Mapping[str, tuple[InputFile, FileRecord]]

    @property
    def events(self) -> dict[str, int]:
        """Events of each dataset."""
        return {name: sum(sum(one) for one in every) for name, every in self.ranges.items()}


def look(processor: Any, inputs: Fileset, topic: str) -> Sample:
    """Look into some files, and into more as long as all that can be read are empty.

    Raises
    ------
    InputError
        If no file has events.
    """
    pairs = [(name, file) for name, dataset in inputs.items() for file in dataset.files]
    if not pairs:
        raise InputError("the fileset has no files")
    chosen = _spread(inputs, pairs)
    found: dict[tuple[str, InputFile], FileRecord] = {}
    for name, file in chain(chosen, [one for one in pairs if one not in chosen][:_FURTHER]):
        # further ones only as long as all have been empty: if none can be read, others will hardly be
        records = found.values()
        if len(found) >= len(chosen) and (any(one.entries for one in records) or all(one.error for one in records)):
            break
        columns = required_columns(processor, inputs[name].metadata)
        (found[name, file],) = probe(Probe(topic, name, file, columns))
    if not any(record.entries for record in found.values()):
        others = f"; {len(found)} of {len(pairs)} were looked into" if len(found) < len(pairs) else ""
        raise InputError(f"{nothing_readable(list(found.values()))}{others}")
    supposed = cycle([(record.stored or 0,) for record in found.values() if not record.error])
    largest: dict[str, tuple[InputFile, FileRecord]] = {}
    for (name, file), record in found.items():
        if record.entries and (name not in largest or record.entries > (largest[name][1].entries or 0)):
            largest[name] = file, record
    return Sample(
        len({file.path for _, file in pairs}),
        len({file.path for _, file in found}),
        len(found) < len(pairs),
        tuple({record.path: record.message for record in found.values() if record.error}.values()),
        {name: list(_estimated(name, dataset, found, supposed)) for name, dataset in inputs.items()},
        largest,
    )


def _spread(inputs: Fileset, every: Sequence[tuple[str, InputFile]]) -> list[tuple[str, InputFile]]:
    """Choose files: of the whole fileset in equal steps, and one of each of some datasets."""
    step = max(1.0, len(every) / SAMPLE)
    chosen = [every[int(number * step)] for number in range(min(SAMPLE, len(every)))]
    firsts = [(name, dataset.files[0]) for name, dataset in inputs.items() if dataset.files]
    missing = [one for one in firsts if one[0] not in {name for name, _ in chosen}]
    return [*chosen, *missing[: max(0, SAMPLE - len({name for name, _ in chosen}))]]


def _ranges(file: InputFile, record: FileRecord) -> Ranges:
    return (record.entries or 0,) if file.steps is None else _of_steps(file.steps)


def _of_steps(steps: Sequence[tuple[int, int]]) -> Ranges:
    return tuple(stop - start for start, stop in steps)


def _estimated(
    name: str,
    dataset: Dataset,
    found: Mapping[tuple[str, InputFile], FileRecord],
    supposed: Iterator[Ranges],
) -> Iterator[Ranges]:
    """Yield the ranges of each file of a dataset: as found or given, else all of the dataset's others in turn.

    Of a dataset without others, as many as another tree of the file has, or what all files have in turn.
    """
    known = {file: record for (of, file), record in found.items() if of == name and not record.error}
    own = cycle([(record.stored or 0,) for record in known.values()])
    by_path = {record.path: (record.stored or 0,) for record in found.values() if not record.error}
    yield from (_ranges(file, record) for file, record in known.items())
    for file in dataset.files:
        if (name, file) in found:
            continue
        if file.steps is not None:
            yield _of_steps(file.steps)
        elif known:
            yield next(own)
        else:
            yield by_path.get(file.path) or next(supposed)
