"""What ``hepcol fit`` prints, for a terminal of 80 columns."""

import math

from rich.console import Console
from rich.markup import escape

from hepcol import store
from hepcol.inference.folder import DatasetFit, FolderFit
from hepcol.inference.record import FitRecord, Status
from hepcol.report.numbers import between, measured, nominal_text, plain
from hepcol.report.tables import new_table

MAX_VARIATIONS = 5


def print_fit(fits: FolderFit, every: bool = False) -> None:
    """Print the results of fits: of every variation, or of the first ones and of those that may not be used."""
    console = Console(highlight=False)
    if not fits.summary["complete"]:
        events = fits.summary["events"]
        counts = f"{events['processed']:,} of {events['files']:,} events processed"
        console.print(f"[bold red]INCOMPLETE[/bold red]: {counts}")
    for part in fits.datasets:
        _print_head(console, fits, part)
        _print_variations(console, part, every)
        _print_result(console, part)
        plots = store.fit_plots(fits.folder, part.dataset, fits.model)
        if plots.is_dir():
            console.print(f"[dim]plots[/dim]    {escape(str(plots))}/*.png, *.pdf", soft_wrap=True)
    files = f"{fits.folder}/{store.SUMMARY}, {store.fit_name(fits.model)}"
    console.print(f"[dim]results[/dim]  {escape(files)}", soft_wrap=True)


def _print_head(console: Console, fits: FolderFit, part: DatasetFit) -> None:
    """Print which fits may not be used, what was fitted, with which model, and what was changed about it."""
    told = part.to_json()
    if told["usable"] < told["fits"]:
        others = ", ".join(
            f"{number} {status}" for status, number in part.statuses.items() if status != Status.CONVERGED
        )
        console.print(f"[bold red]{told['usable']} of {told['fits']} fits may be used[/bold red]: {others}")
    low, high = part.spectra[0].range
    plan = part.plan
    console.print(f"[bold]{escape(part.dataset)}[/bold]: {plan.observable} from {low:g} to {high:g} {plan.unit}")
    console.print(f"model '{part.models[0].name}': {part.models[0].title}")
    if fits.changes:
        changes = (
            f"{name} = {change['start']:g}" if change["fixed"] else f"{name} free"
            for name, change in fits.changes.items()
        )
        console.print(f"[bold]changed[/bold]: {', '.join(changes)}")
    fixed = [p for p in part.models[0].parameters if p.fixed and not p.shared and p.name not in fits.changes]
    if fixed:
        console.print("fixed: " + ", ".join(f"{p.name} = {p.start:.6g} {p.unit}".rstrip() for p in fixed))
    if part.shared is not None:
        console.print(f"shared by all variations: {_shared(part)}")


def _print_variations(console: Console, part: DatasetFit, every: bool) -> None:
    """Print a line for each variation that is shown."""
    plan = part.plan
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
    """Print what the fits that may be used say together, if they are not the few that are left."""
    plan, told = part.plan, part.to_json()
    count, spread = told["usable"], told["standard_deviation"]
    if told["nominal"] is not None:
        console.print(f"{plain(plan.quantity)}: [bold]{nominal_text(told['nominal'])} {plan.unit}[/bold]")
        if count < told["fits"]:
            left_out = told["fits"] - count
            console.print(f"without {left_out} of {told['fits']} fits, which may not be used", style="bold red")
    elif told["mean"] is None:
        console.print(f"{plain(plan.quantity)}: no mean of {count} of {told['fits']} fits", style="bold red")
    elif spread is None:
        value = measured(told["mean"], part.results[part.usable[0], 1])
        console.print(f"{plain(plan.quantity)}: [bold]{value} {plan.unit}[/bold]")
    else:
        # variations have the same events: the error is that of drawing variations, and no statistical one
        mean = f"{plain(plan.quantity)}: [bold]{measured(told['mean'], spread / count**0.5)} {plan.unit}[/bold]"
        console.print(f"{mean}, mean of {count} fits of the same events")
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
            # without an error: the variations have the same events
            found.append(f"{parameter.name} = {estimate.value:.3g}")
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
