"""What the output folder of a run has in it: names, reading, and adding to it."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hist

from hepcol.errors import InputError
from hepcol.histogram_files import escape, read_zip
from hepcol.ledger import ChunkRecord, FileRecord, from_json
from hepcol.lock import locked
from hepcol.rowsample import RowSample
from hepcol.wholefile import write_whole, writing

HISTOGRAMS_ZIP = "histograms.zip"
HISTOGRAMS_ROOT = "histograms.root"
SUMMARY = "summary.json"
LEDGER = "ledger.jsonl"
PROVENANCE = "provenance.json"
DASK_REPORT = "dask-performance.html"  # if it was asked for
PLOTS = "plots"
SAMPLES = "samples.zip"  # of rows, where a processor keeps some
DRAWINGS = "drawings"  # of processors that draw
RESULT = "result.zip"  # with exact sums: to add what is missing to, or another run
SNAPSHOT = "snapshot.zip"  # the same, of one that goes on, in the partial folder
PLOT_FORMATS = ("png", "pdf")
FIT = "fit"  # in the summary, and at the beginning of the names of what fits add
HISTFACTORY = "histfactory"  # model of fits of a whole folder: of its yields
PAGE = "report"  # among what was added: the page of a run, which tells of everything else
GATHERED = "gathered"  # in the summary: files that were put together of those of chunks
ADDED = "added"  # in the summary: files that were made of the results
OURS = (HISTOGRAMS_ZIP, HISTOGRAMS_ROOT, SUMMARY, LEDGER, PROVENANCE, RESULT, DASK_REPORT, PLOTS, SAMPLES, DRAWINGS)
PARTIAL = ".partial"  # a folder, since a ROOT file holds its own name


def plot_paths(folder: Path, name: tuple[str, ...]) -> list[Path]:
    """Where the plots of a histogram are, in each format."""
    place = (folder / PLOTS).joinpath(*map(escape, name))
    return [place.with_name(f"{place.name}.{extension}") for extension in PLOT_FORMATS]


def fit_name(model: str) -> str:
    """Name of the file with the full record of the fits with a model."""
    return f"{FIT}_{model}.json"


def fit_plots(folder: Path, dataset: str, model: str) -> Path:
    """Where the plots of the fits of a dataset with a model are."""
    return folder / PLOTS / escape(dataset) / f"{FIT}_{model}"


def add_fit(folder: Path, model: str, told: dict[str, Any], record: dict[str, Any]) -> None:
    """Add fits to a run: what the summary tells of them, and their full record; earlier ones with the model go.

    Raises
    ------
    InputError
        If the folder is in use or cannot be written.
    """
    with writing(folder), locked(folder):
        _, summary = read(folder)
        for name in summary.get(ADDED, {}).pop(PAGE, ()):
            delete_inside(folder, name)
        fits = summary.get(FIT, {})
        summary[FIT] = {**(fits if isinstance(fits, dict) else {}), model: told}
        for dataset in told["datasets"]:  # of an earlier fit, which these results are not
            shutil.rmtree(fit_plots(folder, dataset, model), ignore_errors=True)
        for name, content in ((fit_name(model), record), (SUMMARY, summary)):
            replace_text(folder / name, json.dumps(content, indent=2, allow_nan=False) + "\n")


def model_plots(folder: Path, model: str) -> Path:
    """Where the plots of fits with a model of a whole folder are."""
    return folder / PLOTS / model


def write_fit(folder: Path, model: str, record: dict[str, Any]) -> None:
    """Write the record of fits with a model of a whole folder, which need be no run; earlier plots of it go.

    Raises
    ------
    InputError
        If the folder is in use or cannot be written.
    """
    with adding(folder, fit_entry(model), (fit_name(model), str(model_plots(folder, model).relative_to(folder)))):
        shutil.rmtree(model_plots(folder, model), ignore_errors=True)
        replace_text(folder / fit_name(model), json.dumps(record, indent=2, allow_nan=False) + "\n")


def fit_entry(model: str) -> str:
    """Name under which fits with a model of a whole folder are added to it."""
    return f"{FIT}_{model}"


@contextmanager
def adding(folder: Path, what: str, names: Sequence[str], outdated: Sequence[str] = ()) -> Iterator[None]:
    """Lock a folder while files are added that are made of its results, and that go when those are replaced.

    Parameters
    ----------
    folder : Path
        The folder, which need be no run.
    what : str
        What they are.
    names : sequence of str
        All names that they may have, and those of folders. The summary lists them before one is written, so that
        nothing is left behind by a command that fails, or is killed.
    outdated : sequence of str
        What was made of earlier ones, and goes; the page of the run does in any case.

    Raises
    ------
    InputError
        If the folder is in use or cannot be written.
    """
    outdated = outdated if what == PAGE else (*outdated, PAGE)
    with writing(folder), locked(folder):
        earlier = _list_added(folder, what, names, outdated)
        yield
        for name in earlier:
            if name not in names:
                delete_inside(folder, name)
        _list_added(folder, what, names, keep=False)


def _list_added(
    folder: Path, what: str, names: Sequence[str], outdated: Sequence[str] = (), *, keep: bool = True
) -> list[str]:
    """Tell in the summary, if there is one, what is added, beside what was there or not; return what was there."""
    if not (folder / SUMMARY).exists():
        return []
    summary = json.loads((folder / SUMMARY).read_text())
    added = summary.get(ADDED, {})
    earlier = list(added.get(what, ()))
    for one in outdated:
        for name in added.pop(one, ()):
            delete_inside(folder, name)
    summary[ADDED] = {**added, what: list(dict.fromkeys([*(earlier if keep else ()), *names]))}
    replace_text(folder / SUMMARY, json.dumps(summary, indent=2, allow_nan=False) + "\n")
    return earlier


def gathered_names(folder: Path) -> list[str]:
    """Name what was put together of the files of chunks, as the summary lists it; nothing where there is none."""
    try:
        names = json.loads((folder / SUMMARY).read_text()).get(GATHERED, [])
        return [str(name) for name in names]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def delete_inside(folder: Path, name: str) -> None:
    """Remove a file or a folder, if it is there and not elsewhere, whatever somebody wrote into the summary."""
    path = folder / name
    if folder.resolve() not in path.resolve().parents:
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text as a file, as a whole or not at all."""
    write_whole(path, text.encode())


def remove_added(folder: Path) -> None:
    """Remove what was made of histograms that are to be replaced, such as fits, as the summary lists it."""
    try:
        summary = json.loads((folder / SUMMARY).read_text())
        fits, added = summary.get(FIT, {}), summary.get(ADDED, {})
    except (OSError, json.JSONDecodeError, AttributeError):
        return
    for name in (name for names in added.values() for name in names):
        delete_inside(folder, name)
    for model, told in fits.items():
        (folder / fit_name(model)).unlink(missing_ok=True)
        for dataset in told["datasets"]:
            shutil.rmtree(fit_plots(folder, dataset, model), ignore_errors=True)


def read(folder: str | Path) -> tuple[dict[tuple[str, ...], hist.Hist], dict[str, Any]]:
    """Read the histograms and the summary of a run.

    Raises
    ------
    InputError
        If the folder has none.
    """
    summary = read_summary(folder)
    return read_zip(Path(folder) / HISTOGRAMS_ZIP), summary


def read_summary(folder: str | Path) -> dict[str, Any]:
    """Read the summary of a run that has histograms, too.

    Raises
    ------
    InputError
        If the folder has none.
    """
    path = Path(folder)
    for name in (HISTOGRAMS_ZIP, SUMMARY):
        if not (path / name).is_file():
            raise InputError(f"{path}: no {name} there; expected the output folder of 'hepcol run'")
    try:
        summary = json.loads((path / SUMMARY).read_text())
    except json.JSONDecodeError as error:
        raise InputError(f"{path / SUMMARY}: not JSON: {error}") from error
    if not (isinstance(summary, dict) and {"complete", "events"} <= set(summary)):
        raise InputError(f"{path / SUMMARY}: not the summary of a run")
    return summary


def read_samples(folder: str | Path) -> dict[str, dict[str, RowSample]]:
    """Read the samples of rows of a run, by dataset and name; nothing where there are none.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    path = Path(folder) / SAMPLES
    if not path.exists():
        return {}
    from hepcol import archive

    return dict(archive.read(path)[0])


def read_ledger(folder: str | Path) -> tuple[list[FileRecord], list[ChunkRecord]]:
    """Read what became of the files and the chunks of a run; nothing where there is no ledger.

    Raises
    ------
    InputError
        If it is not one.
    """
    path = Path(folder) / LEDGER
    if not path.is_file():
        return [], []
    try:
        records = [from_json(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: not the ledger of a run: {error}") from error
    return (
        [record for record in records if isinstance(record, FileRecord)],
        [record for record in records if isinstance(record, ChunkRecord)],
    )


def has_snapshot(folder: str | Path) -> bool:
    """Whether an interrupted run in a folder can be continued from what was done."""
    return (Path(folder) / PARTIAL / SNAPSHOT).exists()


def read_unfinished(folder: str | Path) -> dict[str, Any]:
    """Read what made the run that a folder would be continued from: the interrupted one, if there is one.

    Raises
    ------
    InputError
        If the folder does not tell.
    """
    if not has_snapshot(folder):
        if (Path(folder) / PARTIAL).is_dir() and not (Path(folder) / PROVENANCE).exists():
            raise InputError(f"{folder}: the run was killed before its first snapshot: give its command again")
        return read_provenance(folder)
    from hepcol import archive

    return dict(archive.read_about(Path(folder) / PARTIAL / SNAPSHOT)["provenance"])


def read_provenance(folder: str | Path) -> dict[str, Any]:
    """Read what made a run.

    Raises
    ------
    InputError
        If the folder does not tell.
    """
    path = Path(folder) / PROVENANCE
    try:
        provenance = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not (isinstance(provenance, dict) and {"processor", "options"} <= set(provenance)):
        raise InputError(f"{path}: not the provenance of a run")
    return provenance
