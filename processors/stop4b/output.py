"""The files that tables of the search are written to: yields, histograms and tables to read."""

from dataclasses import dataclass
from pathlib import Path

from hepcol.errors import InputError
from hepcol.inference.yields import FILE, write_yields
from hepcol.report.yield_tables import write_tables
from processors.stop4b.histos import write_histos
from processors.stop4b.tables import Tables


@dataclass(frozen=True)
class Written:
    """Files that were written, and why others were not."""

    files: tuple[Path, ...]
    not_written: dict[str, str]


def write_all(tables: Tables, folder: Path | str) -> Written:
    """Write ``yields.json``, ``histos.root`` and the tables to read.

    Without data, or without a background, there is no ``yields.json``: a statistical model needs both.

    Parameters
    ----------
    tables : Tables
        What to write.
    folder : Path or str
        Made if it is not there; the same files of earlier times are replaced.

    Raises
    ------
    InputError
        If a name cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files, not_written = [], {}
    try:
        write_yields(tables.to_yields(), folder / FILE)
        files.append(folder / FILE)
    except InputError as error:
        (folder / FILE).unlink(missing_ok=True)  # of earlier times, which would not belong to the rest
        not_written[FILE] = str(error)
    files.append(write_histos(tables, folder))
    files += write_tables(tables.to_table(), folder)
    return Written(tuple(files), not_written)
