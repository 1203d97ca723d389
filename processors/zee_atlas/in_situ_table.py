"""Table of a calibration from the Z peak, for a terminal of 80 columns."""

from rich.console import Console

from hepcol.report.tables import new_table
from processors.zee_atlas.in_situ_folder import PLOT, RESULT, FolderInSitu
from processors.zee_atlas.regions import REGIONS, title

_PERCENT = 100.0


def print_in_situ(done: FolderInSitu) -> None:
    """Print what was found and, of generated data, what was put in."""
    console = Console(highlight=False)
    found = done.found
    table = new_table(f"{done.data} against {done.simulation}")
    table.add_column("eta of the cluster")
    for name in ("alpha [%]", "c [%]"):
        table.add_column(name, justify="right")
        if done.injected is not None:
            table.add_column("put in", justify="right")
            table.add_column("pull", justify="right")
    for region in range(len(REGIONS)):
        row = [title(region)]
        for name, which in (("alpha", 0), ("constant", 1)):
            value, error = getattr(found, name)[region], getattr(found, f"{name}_error")[region]
            row.append(f"{_PERCENT * value:.2f} ± {_PERCENT * error:.2f}")
            if done.pulls is not None:
                row += [f"{_PERCENT * getattr(done.injected, name)[region]:.2f}", f"{done.pulls[which][region]:+.1f}"]
        table.add_row(*row)
    console.print(table)
    console.print(f"chi2 / ndof of {int((found.entries > 0).sum())} pairs of regions: {found.chi2:.0f} / {found.ndof}")
    if done.closure is not None:
        chi2, number = done.closure
        console.print(f"against what was put in: chi2 {chi2:.1f} of {number} parameters (pulls of c are of its square)")
    if not found.valid:
        console.print("the fit did not converge: do not use it", style="bold red")
    if found.at_bound:
        console.print(f"at the end of the grid: {', '.join(found.at_bound)}", style="yellow")
    console.print(f"results  {done.folder}/{RESULT}, {PLOT}", markup=False)
    if done.area is not None:
        console.print(f"area     {done.area}: hepcol run zee_atlas ... -p area={done.area}", markup=False)
