"""Fits of one observable in all variations, side by side."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import reduce

from hepcol.inference.fit import fit
from hepcol.inference.model import Model
from hepcol.inference.plan import FitPlan
from hepcol.inference.record import FitRecord
from hepcol.inference.spectrum import Spectrum

# With fewer variations than this their sum knows what they share no better than each of them does
MIN_SHARING = 10
# Of the deviance, for each variation: two parameters' worth (H. Akaike, IEEE Trans. Autom. Control 19 (1974) 716)
MIN_IMPROVEMENT = 4.0
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
    sum's deviance by more than 4 for each variation, which one variation could tell, too.

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

    with ThreadPoolExecutor(workers or len(os.sched_getaffinity(0))) as pool:
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
    absent = {
        name: {"fixed": True, "start": parameter.absent}
        for name, parameter in shared.items()
        if parameter.absent is not None
    }
    record = fit(model.changed(absent), total)
    if absent:
        starts = {name: {"start": value} for name, value in record.values.items() if name not in absent}
        fuller = fit(model.changed(starts), total)
        if fuller.usable and record.deviance - fuller.deviance > MIN_IMPROVEMENT * len(spectra):
            record = fuller
    enough = len(spectra) >= MIN_SHARING
    return record, {
        name: {"start": estimate.value, "fixed": estimate.fixed or enough}
        for name, estimate in record.estimates.items()
        if name in shared
    }


def _with_doubts_about(shared: FitRecord, record: FitRecord) -> FitRecord:
    """Return the record of a variation, not to be used if what it shares with the others is not."""
    if shared.usable or not record.estimates:
        return record
    reason = f"the fit of the sum of all variations, for what they share: {shared.message or shared.status}"
    return replace(record, status=shared.status, message=reason)
