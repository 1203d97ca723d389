"""Fits of one observable in all variations, side by side."""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import reduce
from itertools import combinations

from hepcol.inference.fit import fit
from hepcol.inference.model import Model, Parameter
from hepcol.inference.plan import FitPlan
from hepcol.inference.record import FitRecord
from hepcol.inference.spectrum import Spectrum
from hepcol.threads import available_cores

# With fewer variations than this their sum knows what they share no better than each of them does
MIN_SHARING = 10
# Of the deviance, for each parameter and variation (H. Akaike, IEEE Trans. Autom. Control 19 (1974) 716)
MIN_IMPROVEMENT = 2.0
_NEAR_ABSENT = 0.01  # of the allowed interval
Changes = Mapping[str, Mapping[str, object]]
Report = Callable[[int, int], None]


def fit_variations(
    plan: FitPlan,
    spectra: Sequence[Spectrum],
    *,
    changes: Changes | None = None,
    minos: bool = False,
    workers: int | None = None,
    report: Report = lambda _done, _total: None,
) -> tuple[list[tuple[Model, FitRecord]], FitRecord | None]:
    """Fit the spectra of all variations.

    What variations share is taken from the fit of their sum: fixed in each if there are ten or more, and else
    free again, so that errors include it. Parts that may be absent, such as tails, are so unless they improve the
    sum's deviance by more than 2 for each parameter and variation, which one variation could tell, too.

    Parameters
    ----------
    plan : FitPlan
        What to fit.
    spectra : sequence of Spectrum
        One for each variation.
    changes : mapping, optional
        Other properties of some parameters, see :meth:`hepcol.inference.model.Model.changed`.
    minos : bool
        Whether to find the interval of the result on the profile likelihood.
    workers : int, optional
        Threads; one for each core unless given. Kernels run without Python's lock, and results do not depend on it.
    report : callable
        Told how many fits of how many are done.

    Returns
    -------
    fits : list of (Model, FitRecord)
        One for each variation, in order.
    shared : FitRecord or None
        The fit of the sum, if variations share parameters.
    """
    changes = changes or {}
    shared, determined = _share(plan, spectra, changes)
    total, done = len(spectra), 0
    report(done, total)

    def fit_one(spectrum: Spectrum) -> tuple[Model, FitRecord]:
        model = plan.build(spectrum).changed(changes).changed(determined)
        record = fit(model, spectrum, [plan.parameter] if minos else ())
        return model, record if shared is None else _with_doubts_about(shared, record)

    with ThreadPoolExecutor(workers or available_cores()) as pool:
        futures = [pool.submit(fit_one, spectrum) for spectrum in spectra]
        try:
            for _ in as_completed(futures):
                done += 1
                report(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures], shared


def _share(plan: FitPlan, spectra: Sequence[Spectrum], changes: Changes) -> tuple[FitRecord | None, Changes]:
    """Fit the sum of the variations for what they share; return what that changes in each of them."""
    total = reduce(Spectrum.__add__, spectra)
    model = plan.build(total).changed(changes)
    shared = {parameter.name: parameter for parameter in model.parameters if parameter.shared and not parameter.fixed}
    if not shared:
        return None, {}
    record = _choose(model, total, len(spectra))
    enough = len(spectra) >= MIN_SHARING
    return record, {
        name: {"start": estimate.value, "fixed": estimate.fixed or enough}
        for name, estimate in record.estimates.items()
        if name in shared
    }


def _choose(model: Model, total: Spectrum, number: int) -> FitRecord:
    """Fit the sum with each choice of the parts that may be absent, and return the one that the spectra ask for.

    A doubtful fit is returned, too, if it is so much better than those without its parts.
    """
    optional = [p for p in model.parameters if p.shared and not p.fixed and p.absent is not None]
    chosen, least = None, math.inf
    for count in range(len(optional) + 1):
        for present in combinations(optional, count):
            left_out = {p.name: {"fixed": True, "start": p.absent} for p in optional if p not in present}
            record = fit(model.changed(left_out), total)
            if any(_is_absent(p, record) for p in present):  # no better than without it
                continue
            cost = record.deviance + MIN_IMPROVEMENT * number * count
            if chosen is None or cost < least:
                chosen, least = record, cost
    if chosen is None:
        raise AssertionError("without optional parts there is always a fit")
    return chosen


def _is_absent(parameter: Parameter, record: FitRecord) -> bool:
    """Whether a part has ended where it has no effect."""
    if parameter.absent is None or parameter.name not in record.estimates:
        return False
    span = parameter.upper - parameter.lower
    return abs(record.estimates[parameter.name].value - parameter.absent) < _NEAR_ABSENT * span


def _with_doubts_about(shared: FitRecord, record: FitRecord) -> FitRecord:
    """Return the record of a variation, not to be used if what it shares with the others is not."""
    if shared.usable or not record.estimates:
        return record
    reason = f"the fit of the sum of all variations, for what they share: {shared.message or shared.status}"
    return replace(record, status=shared.status, message=reason)
