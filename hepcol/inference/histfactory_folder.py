"""The statistical model of the yields in a folder: from ``yields.json``, and back into ``fit_histfactory.json``."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hepcol import store
from hepcol.errors import InputError
from hepcol.inference.histfactory import PRUNE, Workspace, build_workspace, import_pyhf
from hepcol.inference.limit_record import Discovery, Limit
from hepcol.inference.limits import discover, events_workspace, limit_of_events, upper_limit
from hepcol.inference.toy_limits import toy_limit
from hepcol.inference.yield_fit import fit_yields_model
from hepcol.inference.yield_record import YieldFit
from hepcol.inference.yields import FILE, Yields, read_yields
from hepcol.provenance import describe_derived

MODEL = store.HISTFACTORY
SEED = 1
CURVE_POINTS, CURVE_REACH = 40, 1.15  # of the asymptotic CLs that is drawn; in units of the largest limit
_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class SignalFit:
    """What the data say of a signal: the fit with it, its limit (asymptotic, and by toys if asked for), its p-value."""

    workspace: Workspace
    fit: YieldFit
    limit: Limit
    toys: Limit | None
    discovery: Discovery

    @property
    def usable(self) -> bool:
        """Whether all of it may be used; each part says it of itself, too."""
        limits = (self.limit,) if self.toys is None else (self.limit, self.toys)
        return self.fit.usable and all(limit.usable for limit in limits) and self.discovery.usable

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it, with the workspace as pyhf reads it."""
        return {
            "limit": self.limit.to_json(),
            "toys": None if self.toys is None else self.toys.to_json(),
            "discovery": self.discovery.to_json(),
            "fit": self.fit.to_json(),
            "warnings": list(self.workspace.warnings),
            "pruned": list(self.workspace.pruned),
            "workspace": self.workspace.spec,
        }


@dataclass(frozen=True, eq=False)
class YieldFits:
    """The fits of the yields in a folder.

    Parameters
    ----------
    folder : Path
        The folder.
    yields : Yields
        What was fitted.
    background : YieldFit
        The fit of the backgrounds alone to the data of all regions.
    signals : mapping of str to SignalFit
        The signals that were asked for.
    events : mapping of str to Limit
        By region that is no control region, the limit on the events of any signal (S95).
    events_toys : mapping of str to Limit
        The same by toys, if they were asked for.
    warnings : tuple of str
        What could not be taken from the yields as it is.
    summary : mapping
        Summary of the run in the folder, which says whether it is complete; of one without a run, it is.
    """

    folder: Path
    yields: Yields
    background: YieldFit
    signals: Mapping[str, SignalFit]
    events: Mapping[str, Limit]
    events_toys: Mapping[str, Limit]
    warnings: tuple[str, ...]
    summary: Mapping[str, Any]

    @property
    def usable(self) -> bool:
        """Whether every result may be used."""
        signals = all(signal.usable for signal in self.signals.values())
        limits = (*self.events.values(), *self.events_toys.values())
        return self.background.usable and signals and all(limit.usable for limit in limits)

    @property
    def remarks(self) -> dict[str, str]:
        """What to know of results that may be used, by what they are."""
        found: dict[str, str] = {}
        for name, signal in self.signals.items():
            found |= {f"fit of {name}": signal.fit.remark}
            if signal.toys is None:
                found |= {f"limit on {name}": signal.limit.remark}
        found |= {
            f"limit on events in {region}": limit.remark
            for region, limit in self.events.items()
            if region not in self.events_toys
        }
        return {what: remark for what, remark in found.items() if remark}

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON can hold it."""
        return {
            "usable": self.usable,
            "data": self.yields.label,
            "complete": self.summary["complete"],
            "warnings": list(self.warnings),
            "events": {region: limit.to_json() for region, limit in self.events.items()},
            "events_toys": {region: limit.to_json() for region, limit in self.events_toys.items()},
            "background": self.background.to_json(),
            "signals": {name: signal.to_json() for name, signal in self.signals.items()},
        }


def fit_yields(
    folder: str | Path,
    signal: str | None = None,
    *,
    signal_error: float | None = None,
    toys: int = 0,
    seed: int = SEED,
    prune: float = PRUNE,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> YieldFits:
    """Fit the yields in a folder, find limits, and write the results beside them.

    Parameters
    ----------
    folder : str or Path
        A folder with ``yields.json``.
    signal : str, optional
        Name of the signal; all of them unless given. Parameters are ranked if this leaves one signal: a ranking takes
        four fits for each parameter.
    signal_error : float, optional
        A further relative uncertainty of the signal.
    toys : int
        Toys at each signal strength and hypothesis, for limits by toys as well, of signals and on events; 0 for none.
    seed : int
        Their seed.
    prune : float
        Systematics that change a sample relatively less are left out.
    report : callable
        Told how many steps of how many are done.

    Returns
    -------
    YieldFits
        The fits; ``fit_histfactory.json`` tells them, too.

    Raises
    ------
    InputError
        If there are no yields, they are wrong, there is no such signal, or pyhf is not installed.
    """
    path = Path(folder)
    if not (path / FILE).is_file():
        raise InputError(f"{path}: no {FILE} there, which model {MODEL} is for")
    yields = read_yields(path / FILE)
    if signal is not None:
        yields.signal(signal)
    import_pyhf()
    chosen = yields.signals if signal is None else (signal,)
    searched = [region for region in yields.regions if region not in yields.control_regions.values()]
    count = _Count(report, 1 + len(searched) * (2 if toys else 1) + len(chosen) * (4 if toys else 3))
    background = build_workspace(yields, None, prune=prune)
    models = {name: build_workspace(yields, name, signal_error=signal_error, prune=prune) for name in chosen}
    summary = _summary(path)
    done = YieldFits(
        path,
        yields,
        count(partial(fit_yields_model, background.spec)),
        {name: _fit_signal(made, len(chosen) == 1, (toys, seed), count) for name, made in models.items()},
        {region: count(partial(limit_of_events, yields, region)) for region in searched},
        {
            region: count(partial(toy_limit, events_workspace(yields, region), toys, seed))
            for region in (searched if toys else ())
        },
        tuple(dict.fromkeys(text for made in (background, *models.values()) for text in made.warnings)),
        summary,
    )
    store.write_fit(
        path,
        MODEL,
        {
            **done.to_json(),
            "provenance": describe_derived(
                yields_sha256=hashlib.sha256((path / FILE).read_bytes()).hexdigest(),
                signal_error=signal_error,
                prune=prune,
                toys=toys,
                seed=seed,
            ),
        },
    )
    return done


class _Count:
    """Counts the steps that are done."""

    def __init__(self, report: Callable[[int, int], None], total: int) -> None:
        self._report, self._total, self._done = report, total, 0

    def __call__(self, step: Callable[[], _Result]) -> _Result:
        """Do a step."""
        result = step()
        self._done += 1
        self._report(self._done, self._total)
        return result


def _fit_signal(made: Workspace, ranking: bool, toys: tuple[int, int], count: _Count) -> SignalFit:
    """Fit a signal, and find its limits and p-value."""
    return SignalFit(
        made,
        count(partial(fit_yields_model, made.spec, ranking=ranking)),
        count(partial(upper_limit, made.spec, CURVE_POINTS, CURVE_REACH)),
        count(partial(toy_limit, made.spec, *toys)) if toys[0] else None,
        count(partial(discover, made.spec)),
    )


def _summary(folder: Path) -> dict[str, Any]:
    """Read whether the run that made the yields is complete, if there is one."""
    path = folder / store.SUMMARY
    if not path.exists():
        return {"complete": True}
    try:
        summary = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not (isinstance(summary, dict) and {"complete", "events"} <= set(summary)):
        raise InputError(f"{path}: not the summary of a run")
    return summary
