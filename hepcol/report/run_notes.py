"""What a reader should know of runs that are put together: what they lack, whether they belong together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepcol import store
from hepcol.inference.notes import Note
from hepcol.ledger import processed_text
from hepcol.sampletable import DATA

# Options that are of data or of simulation alone, wherever processors have them
_OF_ONE_KIND = ("good_runs", "good_blocks", "in_situ", "scale_factors")
_TOGETHER = "runs together"  # kind of notes
_GOOD = "good runs"  # kind of notes, and the step of cutflows


@dataclass(frozen=True)
class SourceRun:
    """A run whose histograms are put together with those of others.

    Parameters
    ----------
    folder : Path
        Its output folder.
    summary : mapping
        Its summary.
    kinds : mapping of str to str
        By dataset that is used, whether that is data, a background or a signal.
    provenance : mapping
        Its provenance; empty if there is none.
    """

    folder: Path
    summary: Mapping[str, Any]
    kinds: Mapping[str, str]
    provenance: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path, summary: Mapping[str, Any], kinds: Mapping[str, str]) -> "SourceRun":
        """Read the provenance of a run."""
        there = (folder / store.PROVENANCE).exists()
        return cls(folder, summary, kinds, store.read_provenance(folder) if there else {})

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its result depends on; empty if its provenance does not tell."""
        return self.provenance.get("identity") or {}

    @property
    def of_data(self) -> set[bool]:
        """Whether its datasets are data, and whether some are not."""
        return {kind == DATA for kind in self.kinds.values()}


def notes_of_runs(runs: Sequence[SourceRun]) -> Iterator[Note]:
    """Tell what runs lack, where they differ, which data they mask, and of files that count twice."""
    for run in runs:
        if not run.summary["complete"]:
            text = f"{run.folder} is incomplete: {processed_text(run.summary['events'], 'processed')}"
            yield Note("incomplete", text, True)
    for warning in dict.fromkeys(warning for run in runs for warning in run.summary.get("warnings", ())):
        yield Note("run", warning, True)
    yield from _tell_differences(runs)
    for run in runs:
        yield from _tell_good_runs(run)
    yield from _tell_copies(runs)


def _tell_differences(runs: Sequence[SourceRun]) -> Iterator[Note]:
    """Tell where processor, code or options of runs differ, a line for each difference."""
    silent = [str(run.folder) for run in runs if not run.identity]
    if silent and len(runs) > 1:
        text = f"the provenance of {', '.join(silent)} does not tell what made it: nothing was compared with other runs"
        yield Note(_TOGETHER, text)
    told = [run for run in runs if run.identity]
    for what, name in (("processors", "processor"), ("the code of the processors", "code"), ("hepcol", "hepcol")):
        values = [run.identity.get(name) for run in told]
        if len(set(values)) > 1:
            yield Note(_TOGETHER, f"{what}: runs differ: {_by_value(told, values)}", True)
            if name == "processor":  # of which options and code are others, too
                return
    for group, word in (("options", "option"), ("content of files", "content of")):
        belongs = [run.identity.get(group) or {} for run in told]
        for key in dict.fromkeys(key for one in belongs for key in one):
            having = [run for run, one in zip(told, belongs, strict=True) if key in one]
            if group != "options" and len(having) < len(told):
                continue  # that a file is named by some options only is told of these
            values = [one.get(key) for one in belongs]
            if len({repr(value) for value in values}) > 1:
                is_warning = not (key in _OF_ONE_KIND and _is_by_kind(told, values))
                yield Note(_TOGETHER, f"{word} {key}: runs differ: {_by_value(told, values)}", is_warning)


def _by_value(runs: Sequence[SourceRun], values: Sequence[Any]) -> str:
    """Say which runs have which value."""
    found: dict[str, list[str]] = {}
    for run, value in zip(runs, values, strict=True):
        found.setdefault(repr(value), []).append(str(run.folder))
    return "; ".join(f"{value} in {', '.join(folders)}" for value, folders in found.items())


def _is_by_kind(runs: Sequence[SourceRun], values: Sequence[Any]) -> bool:
    """Whether all runs of data have one value, and all of simulation one."""
    by_kind: dict[bool, set[str]] = {}
    for run, value in zip(runs, values, strict=True):
        for kind in run.of_data:
            by_kind.setdefault(kind, set()).add(repr(value))
    return all(len(values) == 1 for values in by_kind.values())


def _tell_good_runs(run: SourceRun) -> Iterator[Note]:
    """Tell which data were masked with which list, and of lists that no event passes."""
    options = run.provenance.get("options") or {}
    chosen = options.get("good_runs")
    of_data = sorted(name for name, kind in run.kinds.items() if kind == DATA)
    if not chosen or not of_data:
        return
    digest = f" (digest {options['good_blocks']})" if options.get("good_blocks") else ""
    yield Note(_GOOD, f"{', '.join(of_data)}: data in good blocks of {chosen}{digest} alone")
    for dataset in of_data:
        steps = (run.summary.get("datasets", {}).get(dataset) or {}).get("cutflow") or {}
        if steps.get(_GOOD, 1) == 0 and any(steps.values()):
            yield Note(_GOOD, f"no event of dataset '{dataset}' is in a good block of {chosen}", True)


def _tell_copies(runs: Sequence[SourceRun]) -> Iterator[Note]:
    """Tell of files that are in several datasets, a line for each file; within one kind their events count twice."""
    datasets: dict[str, dict[str, str]] = {}
    paths: dict[str, str] = {}
    for run in runs:
        for file in run.provenance.get("files", ()):
            dataset, uuid = file["dataset"], file["uuid"]
            if uuid and dataset in run.kinds:
                paths.setdefault(uuid, file["path"])
                datasets.setdefault(uuid, {})[dataset] = run.kinds[dataset]
    for uuid, kinds in datasets.items():
        if len(kinds) == 1:
            continue
        for kind in dict.fromkeys(kinds.values()):
            those = [name for name in kinds if kinds[name] == kind]
            if len(those) > 1:
                named = ", ".join(f"'{name}'" for name in those)
                times = {2: "twice"}.get(len(those), f"{len(those)} times")
                text = f"{paths[uuid]} is in {len(those)} datasets of {kind}, {named}: its events count {times}"
                yield Note("copy", text, True)
        if len(set(kinds.values())) == len(kinds):
            named = " and ".join(f"'{name}' ({kind})" for name, kind in kinds.items())
            yield Note("copy", f"{paths[uuid]} is in datasets {named}")
