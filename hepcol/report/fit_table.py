"""What ``hepcol fit`` prints, for a terminal of 80 columns."""

import math

from rich.console import Console
from rich.markup import escape

from hepcol import store
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.inference.record import FitRecord, Status
from hepcol.report.numbers import between, measured
from hepcol.report.tables import new_table

MAX_VARIATIONS = 5


def print_fit(fits: FolderFit, every: bool = False) -> None:
    """Print the results of fits: of every variation, or of the first ones and of those that may not be used."""
    console = Console(highlight=False)
    events = fits.summary["events"]
    if not fits.summary["complete"]:
        counts = f"{events['processed']:,} of {events['files']:,} events processed"
        console.print(f"[bold red]INCOMPLETE[/bold red]: {counts}")
    for part in fits.datasets:
        _print_variations(console, part, every)
        _print_result(console, part)
        plots = store.fit_plots(fits.folder, part.dataset, fits.model)
        if plots.is_dir():
            console.print(f"[dim]plots[/dim]    {escape(str(plots))}/*.png, *.pdf", soft_wrap=True)
    files = f"{fits.folder}/{store.SUMMARY}, {store.fit_name(fits.model)}"
    console.print(f"[dim]results[/dim]  {escape(files)}", soft_wrap=True)


def _print_variations(console: Console, part: DatasetFit, every: bool) -> None:
    """Print what was fitted with which model, and a line for each variation that is shown."""
    low, high = part.spectra[0].range
    plan = part.plan
    console.print(f"[bold]{escape(part.dataset)}[/bold]: {plan.observable} from {low:g} to {high:g} {plan.unit}")
    console.print(f"model '{part.models[0].name}': {part.models[0].title}")
    if part.shared is not None:
        console.print(f"shared by all variations: {_shared(part)}")
    shown = range(len(part.records)) if every else _shown(part)
    table = new_table()
    table.add_column("variation")
    for title in (f"{plan.parameter} [{plan.unit}]", "chi2 / ndof", "p-value"):
        table.add_column(escape(title), justify="right", no_wrap=True)
    table.add_column("status", overflow="fold")
    for number in shown:
        record = part.records[number]
        table.add_row(
            escape(part.variations[number]),
            _value(record, plan.parameter),
            f"{record.chi2:.1f} / {record.ndof}" if record.ndof else "-",
            f"{record.p_value:.3f}" if record.ndof else "-",
            escape(record.message or record.status.value),
            style="" if record.usable else "yellow",
        )
    console.print(table)
    if len(shown) < len(part.records):
        console.print(f"[dim]{len(shown)} of {len(part.records)} variations; --all prints every one[/dim]")


def _print_result(console: Console, part: DatasetFit) -> None:
    """Print what the fits that may be used say together."""
    plan, told = part.plan, part.to_json()
    count, spread = told["usable"], told["standard_deviation"]
    if count < told["fits"]:
        others = ", ".join(
            f"{number} {status}" for status, number in part.statuses.items() if status != Status.CONVERGED
        )
        console.print(f"[bold red]{count} of {told['fits']} fits may be used[/bold red]: {others}")
    if told["mean"] is not None:
        error = part.results[part.usable[0], 1] if spread is None else spread / count**0.5
        mean = f"{_plain(plan.quantity)}: [bold]{measured(told['mean'], error)} {plan.unit}[/bold]"
        several = f", mean of {count} fits; spread {spread:.2g} {plan.unit}" if spread is not None else ""
        console.print(mean + several)
    if plan.expected is not None:
        console.print(f"{plan.expected_label}: {plan.expected:.5g} {plan.unit}")


def _shown(part: DatasetFit) -> list[int]:
    """Choose the first variations, and the first that may not be used."""
    unusable = [number for number in range(len(part.records)) if number not in part.usable]
    return sorted({*range(min(len(part.records), MAX_VARIATIONS)), *unusable[:MAX_VARIATIONS]})


def _shared(part: DatasetFit) -> str:
    """Write what the fit of the sum of all variations found, such as the radiation, or that tails are absent."""
    if part.shared is None or not part.shared.estimates:
        return "nothing: too few entries"
    found = []
    for parameter in part.models[0].parameters:
        estimate = part.shared.estimates[parameter.name]
        if parameter.shared and estimate.fixed and parameter.absent == estimate.value:
            found.append(f"{parameter.name} absent")
        elif parameter.shared:
            found.append(f"{parameter.name} = {measured(estimate.value, estimate.error)}")
    return ", ".join(found)


def _value(record: FitRecord, parameter: str) -> str:
    """Write the result of a fit, with the interval of the profile likelihood if there is one."""
    estimate = record.estimates.get(parameter)
    if estimate is None:
        return "-"
    if estimate.lower is None or estimate.upper is None:
        return measured(estimate.value, estimate.error)
    if not math.isfinite(estimate.lower + estimate.upper):
        return f"{measured(estimate.value, estimate.error)} (Minos failed)"
    return " ".join(between(estimate.value, estimate.lower, estimate.upper))


def _plain(label: str) -> str:
    """Strip a label of the signs of mathematical type."""
    return label.translate(str.maketrans("", "", "${}\\"))
