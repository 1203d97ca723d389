"""One page that tells of a run, whole in itself: it loads nothing from anywhere."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hepcol import store
from hepcol.errors import InputError
from hepcol.report.account import tell_closure, tell_origin, time_of, title_of
from hepcol.report.additions import show_added
from hepcol.report.blocks import Block, Facts, Fold, Frame, Paragraph, Pictures, Section, Table
from hepcol.report.dataset_cutflows import tell_cutflows
from hepcol.report.fit_records import show_fits, show_yield_fits
from hepcol.report.markup import TextTable
from hepcol.report.observed import show_histograms
from hepcol.report.occupancy import occupancy_of, plot_occupancy
from hepcol.report.pictures import draw_picture, find_pictures
from hepcol.report.record import RunRecord, read_run
from hepcol.report.style import LOOK, missing, style
from hepcol.report.tables import file_lines, skim_lines
from hepcol.report.timing import describe_times

NAME = "report.html"
TEMPLATE = "page.html.j2"
_MEGABYTE = 1e6
_DASK = "dask"


def write_page(folder: str | Path, target: str | Path | None = None) -> Path:
    """Write the page of a run.

    Parameters
    ----------
    folder : str or Path
        Output folder of the run.
    target : str or Path, optional
        The file; ``report.html`` in the folder unless given, which goes when the results are replaced.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the folder holds no run, or the page cannot be written.
    """
    page = render(read_run(folder))
    if target is None:
        path = Path(folder) / NAME
        with store.adding(Path(folder), store.PAGE, (NAME,)):
            store.replace_text(path, page)
        return path
    path = Path(target)
    try:
        store.replace_text(path, page)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def render(run: RunRecord) -> str:
    """Make the page of a run."""
    environment = Environment(
        loader=PackageLoader("hepcol", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return environment.get_template(TEMPLATE).render(
        title=title_of(run),
        lacks=missing(run.summary),
        subtitle=_subtitle(run),
        sections=[section for section in _sections(run) if section.blocks],
        has_scripts=(run.folder / store.DASK_REPORT).is_file(),
        footer=f"hepcol {version('hepcol')}, {made} UTC",
    )


def _subtitle(run: RunRecord) -> str:
    summary = run.summary
    events = f"{summary['events']['processed']:,} events in {summary['wall_s']:,.1f} s"
    return ", ".join(filter(None, [time_of(run), events, str(summary["executor"])]))


def _sections(run: RunRecord) -> Iterator[Section]:
    """Make the sections: the account first, then what was found, then how long it took."""
    summary = run.summary
    yield Section("Summary", list(tell_closure(run)))
    yield Section("Provenance", list(tell_origin(run)))
    yield Section("Cutflows", list(tell_cutflows(summary.get("datasets", {}), run.histograms)))
    if values := summary.get("values"):
        rows = [(name, str(value)) for name, value in values.items()]
        yield Section("Values", [Table(TextTable("", ("name", "value"), rows))])
    yield Section("Files and samples", list(_tell_files(summary)))
    for what, names in run.added.items():
        if what not in (store.PAGE, store.fit_entry(store.HISTFACTORY)):
            yield Section(what.replace("_", " ").capitalize(), list(show_added(run, names)))
    with style():
        yield Section("Histograms", list(show_histograms(run)))
    fits = summary.get(store.FIT, {})
    for model, told in fits.items():
        yield Section(f"Fits: {model}" if len(fits) > 1 else "Fits", list(show_fits(run, model, told)))
    if store.fit_entry(store.HISTFACTORY) in run.added:
        yield Section("Fits of yields", list(show_yield_fits(run)))
    yield Section("Other pictures", list(_show_others(run)))
    yield Section("Timing", [*describe_times(summary, run.chunks), *_show_occupancy(run)])
    yield Section("Dask", list(_show_dask(run)))


def _tell_files(summary: Mapping[str, Any]) -> Iterator[Block]:
    """Tell of files of chunks, and of samples of rows, by where they are."""
    facts = [(where, "; ".join(filter(None, what))) for where, *what in file_lines(summary)]
    if told := skim_lines(summary):
        facts.append(("skim.json", "; ".join(told)))
    if rows := summary.get("samples"):
        facts.append((store.SAMPLES, ", ".join(f"{name}: {number:,} rows" for name, number in rows.items())))
    if facts:
        yield Facts(facts)


def _show_others(run: RunRecord) -> Iterator[Block]:
    """Show the pictures of the folder that no other section has."""
    shown = {path for name in run.histograms for path in store.plot_paths(run.folder, name)}
    folders = [name for names in run.added.values() for name in names]
    for model, told in run.summary.get(store.FIT, {}).items():
        folders += [str(store.fit_plots(run.folder, name, model).relative_to(run.folder)) for name in told["datasets"]]
    shown |= set(find_pictures(run.folder, folders))
    yield from show_added(
        run, [str(path.relative_to(run.folder)) for path in find_pictures(run.folder, ["."]) if path not in shown]
    )


def _show_occupancy(run: RunRecord) -> Iterator[Block]:
    """Show what workers were busy with, if there were several places to work in."""
    if run.summary["executor"] in ("iterative", "merged"):
        return
    found = occupancy_of(run.chunks, run.summary["workers"])
    if not found.bars:
        yield Paragraph("The ledger does not tell when chunks began: an earlier hepcol wrote it.", "note")
        return
    text = (
        f"Workers had a chunk in {found.average:.0%} of the {found.span:,.1f} s from the first one to the end of the "
        f"last one ({found.compiling:.0%} compiled or loaded)."
    )
    if found.pauses:
        paused = sum(seconds for _, seconds in found.pauses)
        text += f" {len(found.pauses)} pause{'s' if len(found.pauses) > 1 else ''} of {paused:,.0f} s left out."
    yield Paragraph(text)
    with style(LOOK):
        picture = draw_picture(plot_occupancy(found), "a row for each worker, a bar for each chunk")
    yield Pictures([picture] if picture is not None else [])


def _show_dask(run: RunRecord) -> Sequence[Block]:
    """Show Dask's own report, or say how to get it."""
    if run.summary["executor"] != _DASK:
        return []
    path = run.folder / store.DASK_REPORT
    if not path.is_file():
        return [Paragraph("Dask's own report is recorded by hepcol run --executor dask --dask-report.", "note")]
    page = path.read_text()
    title = f"Dask performance report ({len(page) / _MEGABYTE:.1f} MB)"
    return [Fold(title, [Frame("Dask performance report", page)])]
