"""Writing the results of a run for other programs, as a folder that is there as a whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepcol import store
from hepcol.errors import InputError
from hepcol.ledger import processed_text
from hepcol.report.record import RunRecord, read_run
from hepcol.wholefile import write_whole_folder

CABINETRY, CSV, HEPDATA = "cabinetry", "csv", "hepdata"
FORMATS = (CABINETRY, CSV, HEPDATA)
_MARKS = ("cabinetry.yml", "run.csv", "submission.yaml")  # what tells an export
FOLDER = "export"  # in the folder of the run, unless another is asked for


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    folder : Path
        Where.
    files : int
        How many files.
    warnings : tuple of str
        What whoever uses them should know.
    """

    folder: Path
    files: int
    warnings: tuple[str, ...]


def export(
    folder: str | Path, to: str, output: str | Path | None = None, *, force: bool = False, **options: Any
) -> Exported:
    """Write the results of a run for another program.

    Parameters
    ----------
    folder : str or Path
        Output folder of the run.
    to : {"cabinetry", "csv", "hepdata"}
        What for: the statistical model by cabinetry, tables in CSV, or a submission to HEPData.
    output : str or Path, optional
        Folder to write; by default ``export/TO`` in that of the run, which goes when the results are replaced.
    force : bool
        Whether to replace a folder that is there.
    **options
        Of cabinetry, see :func:`hepcol.export.cabinetry.cabinetry_files`.

    Raises
    ------
    InputError
        If there is no run, the format or an option is unknown, or the folder is there or cannot be written.
    """
    if to not in FORMATS:
        raise InputError(f"to must be one of {', '.join(FORMATS)}, got '{to}'")
    given = {name: value for name, value in options.items() if value not in (None, (), {})}
    if given and to != CABINETRY:
        raise InputError(f"option {next(iter(given))} means nothing to {to}, but to {CABINETRY}")
    run = read_run(folder)
    files, warnings = _content(run, to, given)
    name = f"{FOLDER}/{to}"
    target = run.folder / name if output is None else Path(output)
    if output is None:
        with store.adding(run.folder, f"{FOLDER}_{to}", (name,)):
            write_whole_folder(target, files)
    else:
        _check_free(target, run.folder, force)
        write_whole_folder(target, files)
    return Exported(target, len(files), tuple(warnings))


def _check_free(target: Path, run: Path, force: bool) -> None:
    """Refuse a place that is taken, unless by an earlier export that may be replaced."""
    if target.resolve() in (run.resolve(), *run.resolve().parents):
        raise InputError(f"{target} holds the run, which would be lost: choose another folder")
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not force:
        raise InputError(f"{target} is there already: choose another folder, or give --force")
    if not any((target / name).is_file() for name in _MARKS):
        raise InputError(f"{target} has none of {', '.join(_MARKS)} in it: it is no export, choose another folder")


def _content(run: RunRecord, to: str, options: Mapping[str, Any]) -> tuple[dict[str, bytes], list[str]]:
    """Make the files, and say what whoever uses them should know."""
    warnings = remarks(run)
    if to == CSV:
        from hepcol.export.tables import csv_files

        return csv_files(run), warnings
    if to == HEPDATA:
        from hepcol.export.hepdata import hepdata_files

        return hepdata_files(run, warnings), warnings
    from hepcol.export.cabinetry import cabinetry_files

    files, more = cabinetry_files(run, warnings, **options)
    return files, [*warnings, *more]


def remarks(run: RunRecord) -> list[str]:
    """Say what every format has to say of a run: that it is incomplete, or not physics."""
    found = []
    if not run.summary["complete"]:
        found.append(f"INCOMPLETE: {processed_text(run.summary['events'], 'processed')}")
    if mark := run.summary.get("mark"):
        found.append(str(mark))
    return found
