"""The calibration of arrays of dask-awkward, and of awkward's type tracer, which finds out what is read."""

import sys
from collections.abc import Callable
from typing import Any

from calib.egamma.columns import Columns, flat_columns
from hepcol.errors import InputError


def is_lazy(particles: Any, events: Any = None) -> bool:
    """Whether an array is one of dask-awkward.

    Raises
    ------
    InputError
        If only the events are.
    """
    lazy = [type(one).__module__.partition(".")[0] == "dask_awkward" for one in (particles, events)]
    if lazy == [False, True]:
        raise InputError("the events are an array of dask-awkward, and the particles are not; expected both or none")
    return lazy[0]


def mapped(work: Callable[..., Any], particles: Any, events: Any, **how: Any) -> Any:
    """Do work on each partition, when it is asked for."""
    import dask_awkward

    given = (particles,) if events is None else (particles, events)
    return dask_awkward.map_partitions(work, *given, **how)


def answered(particles: Any, events: Any, work: Callable[[Columns], Any]) -> Any:
    """Do work on flat columns, and return its result in the shape of the particles.

    Of the type tracer's arrays, which have types and no values, the result has its type and no values, and what was
    looked at counts as read.
    """
    if not _is_traced(particles):
        columns = flat_columns(particles, events)
        return columns.restore(work(columns))
    import awkward as ak

    from calib.egamma.records import needed

    particles, events = (
        one if one is None else ak.typetracer.length_zero_if_typetracer(ak.typetracer.touch_data(one))
        for one in needed(particles, events)
    )
    columns = flat_columns(particles, events)
    found = columns.restore(work(columns))
    return ak.Array(found.layout.to_typetracer(forget_length=True))


def _is_traced(particles: Any) -> bool:
    """Whether an array is one of the type tracer."""
    if "awkward" not in sys.modules:
        return False
    import awkward as ak

    return isinstance(particles, ak.Array) and ak.backend(particles) == "typetracer"
