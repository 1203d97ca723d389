"""Systematics that only the background of fake leptons has, beside those of the variations of its weights."""

import math
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from hepcol.inference.notes import Note
from hepcol.inference.templates import Ratios, one_sided_ratios
from processors.stop4b.systematics import FAKES

SAME_SIGN = "ErrSSFakeSRA"
# From ten events with two leptons of the same charge (SPEC 6 [N])
SAME_SIGN_ERRORS = MappingProxyType({"Stop4b_SRA": math.sqrt(10) / 10})
CLOSURE = "ClosureFakeErr"


def fake_ratios(closure: Mapping[str, float] | None) -> dict[str, dict[str, Ratios]]:
    """Return events with systematics of the fakes, relative to the nominal ones.

    Parameters
    ----------
    closure : mapping of str to float, optional
        Relative error of the closure test by region, see :func:`processors.stop4b.theory.read_closure`.

    Returns
    -------
    dict
        By systematic and region, high and low.
    """
    errors = {SAME_SIGN: SAME_SIGN_ERRORS, CLOSURE: closure or {}}
    return {
        systematic: {region: one_sided_ratios(1 + error) for region, error in by_region.items()}
        for systematic, by_region in errors.items()
        if by_region
    }


def tell_lost(sample: str, closure: Mapping[str, float] | None, regions: Collection[str]) -> Iterator[Note]:
    """Tell which systematics of the fakes belong to a region that is not there, perhaps as it has another name."""
    needed = [(systematic.name, region) for systematic in FAKES for region in systematic.regions]
    needed += [(SAME_SIGN, region) for region in SAME_SIGN_ERRORS]
    needed += [(CLOSURE, region) for region in closure or ()]
    for systematic, region in needed:
        if region not in regions:
            text = f"it is one of {region}, which is none of the regions: no such systematic"
            yield Note("no region", text, True, sample=sample, systematic=systematic)
