"""What ``hepcol fit --model histfactory`` prints, for a terminal of 80 columns."""

from rich.console import Console
from rich.markup import escape

from hepcol import store
from hepcol.inference.histfactory_folder import MODEL, YieldFits
from hepcol.inference.limits import SIGMAS, Discovery, Limit
from hepcol.inference.yield_fit import Prediction, YieldFit
from hepcol.report.numbers import between, measured
from hepcol.report.style import missing
from hepcol.report.tables import new_table

MAX_PARAMETERS = 5
MAX_WARNINGS = 5


def print_yield_fits(fits: YieldFits, every: bool = False) -> None:
    """Print yields, limits and pulls: of every parameter, or of the first ones."""
    console = Console(highlight=False)
    if lacks := missing(fits.summary):
        console.print(lacks, style="bold red")
    _print_problems(console, fits)
    _print_regions(console, fits)
    _print_signals(console, fits)
    for name, signal in fits.signals.items():
        if signal.fit.impacts:
            _print_ranking(console, name, signal.fit, every)
    shown = fits.warnings if every else fits.warnings[:MAX_WARNINGS]
    for warning in shown:
        console.print(f"warning: {warning}", style="yellow", markup=False)
    if len(shown) < len(fits.warnings):
        console.print(f"and {len(fits.warnings) - len(shown)} more warnings; --all prints every one", style="yellow")
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
            failed = [name for name, impact in part.impacts.items() if impact.status != part.status]
            console.print(f"[bold red]not usable[/bold red]: {escape(what)}: impact of {escape(', '.join(failed))}")


def _print_regions(console: Console, fits: YieldFits) -> None:
    """Print data, expectations and the limit on events of each region."""
    table = new_table()
    table.add_column("region", overflow="fold")
    for title in ("data", "expected", "after fit", "S95 observed", "expected"):
        table.add_column(title, justify="right", no_wrap=True)
    for region in fits.yields.regions:
        limit = fits.events.get(region)
        table.add_row(
            escape(region),
            f"{fits.yields.data[region]:,g}",
            _events(fits.background.before.get(region)),
            _events(fits.background.after.get(region)),
            "-" if limit is None else measured(limit.observed),
            "-" if limit is None else _expected(limit),
            style="" if limit is None or limit.usable else "yellow",
        )
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
            _expected(signal.limit),
            "-" if strength is None else measured(strength.value, None if strength.at_bound else strength.error),
            "-" if found.observed is None else f"{found.observed:.2g}",
            "-" if found.significance is None else f"{found.significance:.1f}",
            style="" if signal.usable else "yellow",
        )
    console.print(table)
    for name, signal in fits.signals.items():
        if signal.toys is not None:
            errors = dict(zip(("observed", *SIGMAS), signal.toys.errors, strict=False))
            observed = measured(signal.toys.observed, errors.get("observed"))
            expected = measured(signal.toys.expected[SIGMAS.index(0)], errors.get(0))
            number = f"{signal.toys.toys:,} toys"
            console.print(f"{escape(name)} with {number}: observed {observed}, expected {expected}", soft_wrap=True)


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
            f"{impact.up:+.3f} / {impact.down:+.3f}",
        )
    console.print(table)
    if len(names) < len(fit.impacts):
        console.print(f"[dim]{len(names)} of {len(fit.impacts)} parameters; --all prints every one[/dim]")


def _events(prediction: Prediction | None) -> str:
    return "-" if prediction is None else measured(prediction.total, prediction.error)


def _expected(limit: Limit) -> str:
    """Write the expected limit with that of one standard deviation up and down."""
    low, median, high = (limit.expected[SIGMAS.index(sigma)] for sigma in (-1, 0, 1))
    if median is None or low is None or high is None:
        return measured(median)
    value, below, above = between(median, low - median, high - median)
    return f"{value} {above} {below}"
