"""Table of a calibration from the Z peak: for a terminal of 80 columns, and as Markdown."""

from typing import TYPE_CHECKING

from rich.console import Console

from hepcol.report.markup import TextTable, markdown_file
from hepcol.report.style import missing
from hepcol.report.tables import new_table
from processors.zee_atlas.regions import REGIONS, title

if TYPE_CHECKING:
    from processors.zee_atlas.in_situ_folder import FolderInSitu

_PERCENT = 100.0


def table_of(done: "FolderInSitu") -> TextTable:
    """Make the table of what was found and, of generated data, what was put in."""
    found, pulls = done.found, done.pulls
    header = ["eta of the cluster"]
    for name in ("alpha [%]", "c [%]"):
        header += [name] if pulls is None else [name, "put in", "pull"]
    rows = []
    for region in range(len(REGIONS)):
        row = [title(region)]
        for which, name in enumerate(("alpha", "constant")):
            value, error = getattr(found, name)[region], getattr(found, f"{name}_error")[region]
            row.append(f"{_PERCENT * value:.2f} ± {_PERCENT * error:.2f}")
            if pulls is not None:
                row += [f"{_PERCENT * getattr(done.injected, name)[region]:.2f}", f"{pulls[which][region]:+.1f}"]
        rows.append(row)
    return TextTable(f"{done.data} against {done.simulation}", header, rows)


def remarks(done: "FolderInSitu") -> list[str]:
    """Say how good the fit is."""
    found = done.found
    said = list(filter(None, (missing(done.summary), done.summary.get("mark"))))
    used = int(sum(chi2 == chi2 for chi2 in found.pair_chi2))  # noqa: PLR0124  (NaN of those that are left out)
    said.append(f"chi2 / ndof of {used} pairs of regions: {found.chi2:.0f} / {found.ndof}")
    if done.closure is not None:
        chi2, number = done.closure
        said.append(f"against what was put in: chi2 {chi2:.1f} of {number} parameters; pulls of c are of its square")
    if not found.valid:
        why = f"at their bounds: {', '.join(found.at_bound)}" if found.at_bound else "it did not converge"
        said.append(f"do not use the fit: {why}")
    return said


def print_in_situ(done: "FolderInSitu") -> None:
    """Print table and remarks."""
    from processors.zee_atlas.in_situ_folder import PLOT, RESULT, TABLE

    console = Console(highlight=False)
    made = table_of(done)
    table = new_table(made.title)
    table.add_column(made.header[0])
    for name in made.header[1:]:
        table.add_column(name, justify="right")
    for row in made.rows:
        table.add_row(*map(str, row))
    console.print(table)
    for remark in remarks(done):
        console.print(remark, style="" if done.found.valid else "bold red")
    console.print(f"results  {done.folder}/{RESULT}, {TABLE}, {PLOT}", markup=False)
    if done.area is not None:
        console.print(f"area     {done.area}: hepcol run zee_atlas ... -p area={done.area}", markup=False)


def markdown(done: "FolderInSitu") -> str:
    """Write it in Markdown."""
    return markdown_file("Calibration from the Z peak", [table_of(done)], "\n\n".join(remarks(done)))
