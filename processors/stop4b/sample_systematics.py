"""What each systematic makes of a sample: from the variations of the event loop, and from ratios that are known."""

from collections.abc import Iterable, Iterator, Mapping

from hepcol.inference.notes import Note
from hepcol.inference.templates import Ratios, Template, clipped, pair_sides, settle
from processors.stop4b.addition import SampleSum
from processors.stop4b.contributions import ByRegion
from processors.stop4b.kinds import Kind
from processors.stop4b.systematics import FAKES, KINEMATIC, NOMINAL, WEIGHT, Systematic

Pair = tuple[Template, Template]  # events with a systematic high and low
Pairs = Mapping[str, Mapping[str, Pair]]  # by systematic and region


def from_variations(sample: SampleSum) -> dict[str, dict[str, Pair]]:
    """Make the systematics that a sample has variations of, by name and region: the events high and low.

    A systematic of which it has one side is made of that one.
    """
    pairs: dict[str, dict[str, Pair]] = {}
    for systematic in _systematics(sample):
        regions = [region for region in sample.nominal if not systematic.regions or region in systematic.regions]
        sides = [_side(sample, variation.name, regions) for variation in systematic.variations]
        high, low = sides if len(sides) > 1 else (*sides, None)
        if regions and not (high is None and low is None):
            nominal = {region: sample.nominal[region] for region in regions}
            pairs.setdefault(systematic.name, {}).update(pair_sides(nominal, high, low, _untouched(sample, systematic)))
    return pairs


def _untouched(sample: SampleSum, systematic: Systematic) -> list[str] | None:
    """Tell which sides of a systematic were made without it; None if that is not known."""
    if sample.untouched is None:
        return None
    sides = zip(("high", "low"), systematic.variations, strict=False)
    return [side for side, variation in sides if variation.name in sample.untouched]


def _systematics(sample: SampleSum) -> tuple[Systematic, ...]:
    """Return all systematics that there are of a sample of its kind."""
    return (*KINEMATIC, *WEIGHT, *(FAKES if sample.is_fake else ()))


def _side(sample: SampleSum, variation: str, regions: Iterable[str]) -> ByRegion | None:
    if variation not in sample.variations:
        return None
    return {region: sample.variations[variation][region] for region in regions}


def tell_unused(sample: SampleSum) -> Iterator[Note]:
    """Tell which systematics a sample has no variations of, and which variations belong to no systematic.

    Fakes that are made from data alone need none of simulation.
    """
    systematics = _systematics(sample)
    from_data = sample.kinds == {Kind.DATA_DRIVEN}
    if len(sample.variations) == 1 and not from_data:
        text = "no variations at all: no experimental systematics"
        yield Note("no variations", text, True, sample=sample.name)
        return
    known = {NOMINAL.name, *(one.name for systematic in systematics for one in systematic.variations)}
    for systematic in FAKES if from_data else systematics:
        if not any(variation.name in sample.variations for variation in systematic.variations):
            text = "no variation of it: no such systematic"
            yield Note("no variation", text, True, sample=sample.name, systematic=systematic.name)
    for name in sample.variations:
        if name not in known:
            yield Note("unknown", "variation of no systematic: not used", True, sample=sample.name, systematic=name)


def from_ratios(nominal: ByRegion, ratios: Mapping[str, Mapping[str, Ratios]]) -> dict[str, dict[str, Pair]]:
    """Make systematics whose events relative to the nominal ones are known; they have no statistical error."""
    pairs: dict[str, dict[str, Pair]] = {}
    for systematic, by_region in ratios.items():
        for region, (high, low) in by_region.items():
            if region in nominal:
                sides = clipped(nominal[region].varied(high), "high"), clipped(nominal[region].varied(low), "low")
                pairs.setdefault(systematic, {})[region] = sides
    return pairs


def settle_pairs(nominal: ByRegion, pairs: Pairs) -> dict[str, dict[str, Pair]]:
    """Take systematics back where there are no nominal events; see :func:`hepcol.inference.templates.settle`."""
    return {
        systematic: {region: settle(nominal[region], *pair) for region, pair in by_region.items()}
        for systematic, by_region in pairs.items()
    }


def scale_pairs(pairs: Pairs, factor: float) -> dict[str, dict[str, Pair]]:
    """Multiply the events of all systematics by a factor."""
    return {
        systematic: {region: (high.scaled(factor), low.scaled(factor)) for region, (high, low) in by_region.items()}
        for systematic, by_region in pairs.items()
    }
