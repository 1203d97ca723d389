"""What ``hepcol fit --model histfactory`` prints, for a terminal of 80 columns."""

import math

from rich.console import Console
from rich.markup import escape

from hepcol import store
from hepcol.inference.histfactory_folder import MODEL, YieldFits
from hepcol.inference.limit_record import SIGMAS, Discovery, Limit
from hepcol.inference.record import Status
from hepcol.inference.yield_record import Prediction, YieldFit
from hepcol.report.numbers import between, measured, number_of
from hepcol.report.style import missing
from hepcol.report.tables import new_table

MAX_PARAMETERS = 5
MAX_WARNINGS = 5
_NAME = 12  # letters of a region or signal that are shown at least
_LARGE = 1e5  # events, above which a power of ten is taken out


def print_yield_fits(fits: YieldFits, every: bool = False) -> None:
    """Print yields, limits and pulls: of every parameter, or of the first ones."""
    console = Console(highlight=False)
    if lacks := missing(fits.summary):
        console.print(lacks, style="bold red")
    if fits.yields.is_simulated:
        console.print(f"{fits.yields.label}: nothing here was observed", style="bold yellow", markup=False)
    _print_problems(console, fits)
    _print_regions(console, fits)
    _print_events(console, fits)
    _print_signals(console, fits)
    for name, signal in fits.signals.items():
        if signal.fit.impacts:
            _print_ranking(console, name, signal.fit, every)
    for what, remark in fits.remarks.items():
        console.print(f"remark: {what}: {remark}", style="yellow", markup=False, soft_wrap=True)
    shown = fits.warnings if every else fits.warnings[:MAX_WARNINGS]
    for warning in shown:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if len(shown) < len(fits.warnings):
        console.print(
            f"and {number_of(len(fits.warnings) - len(shown), 'more warning')}; --all prints every one", style="yellow"
        )
    plots = store.model_plots(fits.folder, MODEL)
    if plots.is_dir():
        console.print(f"[dim]plots[/dim]    {escape(str(plots))}/*.png, *.pdf", soft_wrap=True)
    console.print(f"[dim]results[/dim]  {escape(str(fits.folder / store.fit_name(MODEL)))}", soft_wrap=True)


def _print_problems(console: Console, fits: YieldFits) -> None:
    """Print first what may not be used, and why."""
    parts: dict[str, YieldFit | Limit | Discovery] = {"fit of the backgrounds": fits.background}
    for name, signal in fits.signals.items():
        parts |= {
            f"fit of {name}": signal.fit,
            f"limit on {name}": signal.limit,
            f"p0 of {name}": signal.discovery,
        }
        if signal.toys is not None:
            parts[f"limit on {name} by toys"] = signal.toys
    parts |= {f"limit on events in {region}": limit for region, limit in fits.events.items()}
    for what, part in parts.items():
        if part.message:
            console.print(f"[bold red]not usable[/bold red]: {escape(what)}: {escape(part.message)}", soft_wrap=True)
        elif isinstance(part, YieldFit) and not part.usable:
            failed = [name for name, impact in part.impacts.items() if impact.status is Status.NOT_CONVERGED]
            console.print(f"[bold red]not usable[/bold red]: {escape(what)}: impact of {escape(', '.join(failed))}")


def _print_regions(console: Console, fits: YieldFits) -> None:
    """Print data and expectations of each region."""
    table = new_table()
    table.add_column("region", overflow="fold", min_width=_NAME)
    for title in (escape(fits.yields.label), "expected", "after fit"):
        table.add_column(title, justify="right")
    for region in fits.yields.regions:
        table.add_row(
            escape(region),
            _large(fits.yields.data[region]),
            _events(fits.background.before.get(region)),
            _events(fits.background.after.get(region)),
            style="" if fits.background.usable else "yellow",
        )
    console.print(table)


def _print_events(console: Console, fits: YieldFits) -> None:
    """Print the limits on the events of any signal, and what toys say."""
    table = new_table()
    table.add_column("limit on events", overflow="fold", min_width=15)
    for title in ("S95 observed", "expected"):
        table.add_column(title, justify="right")
    for region, limit in fits.events.items():
        found = [(escape(region), limit)]
        if region in fits.events_toys:
            found.append(("  by toys", fits.events_toys[region]))
        for name, part in found:
            table.add_row(name, observed_text(part), expected_text(part), style="" if part.usable else "yellow")
    if fits.events:
        console.print(table)


def _print_signals(console: Console, fits: YieldFits) -> None:
    """Print limits and p-value of each signal, and what toys say."""
    if not fits.signals:
        console.print("no signals in the yields: no limits on their strength")
        return
    table = new_table()
    table.add_column("limit on mu_SIG", overflow="fold", min_width=15)
    for title in ("observed", "expected", "fitted", "p0", "Z"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, signal in fits.signals.items():
        found, strength = signal.discovery, signal.fit.signal_strength
        table.add_row(
            escape(name),
            measured(signal.limit.observed),
            expected_text(signal.limit),
            "-" if strength is None else measured(strength.value, None if strength.at_bound else strength.error),
            "-" if found.observed is None else f"{found.observed:.2g}",
            "-" if found.significance is None else f"{found.significance:.1f}",
            style="" if signal.limit.usable else "yellow",
        )
    console.print(table)
    for name, signal in fits.signals.items():
        if signal.toys is not None:
            by_toys = f"observed {observed_text(signal.toys)}, expected {_median(signal.toys)}"
            console.print(f"{escape(name)} with {signal.toys.toys:,} toys: {by_toys}", soft_wrap=True)


def _print_ranking(console: Console, name: str, fit: YieldFit, every: bool) -> None:
    """Print the parameters that do most to the signal strength."""
    names = list(fit.impacts) if every else list(fit.impacts)[:MAX_PARAMETERS]
    table = new_table(name)
    table.add_column("parameter", overflow="fold")
    for title in ("pull", "constraint", "impact on mu_SIG"):
        table.add_column(title, justify="right", no_wrap=True)
    for parameter in names:
        found, impact = fit.parameters[parameter], fit.impacts[parameter]
        table.add_row(
            escape(parameter),
            f"{found.pull:+.2f}" if found.is_constrained else "-",
            f"{found.constraint:.2f}" if found.is_constrained else "-",
            f"{_change(impact.up)} / {_change(impact.down)}",
        )
    console.print(table)
    if len(names) < len(fit.impacts):
        console.print(f"[dim]{len(names)} of {len(fit.impacts)} parameters; --all prints every one[/dim]")


def _change(change: float) -> str:
    """Write an impact; one at which the signal strength came to a bound, or that failed, is no number."""
    return f"{change:+.3f}" if math.isfinite(change) else "-"


def _events(prediction: Prediction | None) -> str:
    return "-" if prediction is None else _large(prediction.total, prediction.error)


def _large(value: float, error: float | None = None) -> str:
    """Write events so that many of them are not long, either."""
    if abs(value) < _LARGE or (error is None and value == round(value)):
        return measured(value, error)
    power = math.floor(math.log10(abs(value)))
    return f"({measured(value / 10.0**power, (error or 0.0) / 10.0**power)})e{power}"


def observed_text(limit: Limit) -> str:
    """Write the observed limit, with its error if it has one."""
    return measured(limit.observed, limit.errors[0] if limit.errors else None)


def _median(limit: Limit) -> str:
    return measured(limit.median, limit.errors[1 + SIGMAS.index(0)] if limit.errors else None)


def expected_text(limit: Limit) -> str:
    """Write the expected limit with that of one standard deviation up and down, or with its error if it has one."""
    low, median, high = (limit.expected[SIGMAS.index(sigma)] for sigma in (-1, 0, 1))
    if median is None or low is None or high is None or limit.errors:
        return _median(limit)
    value, below, above = between(median, low - median, high - median)
    return f"{value} {above} {below}"
