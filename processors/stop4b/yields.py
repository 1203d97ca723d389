"""Expected and observed events of the search: from the histograms of the event loop to yields with all systematics.

The original study's notebooks had fourteen bugs (SPEC 7), which are put right here, if not in the event loop:

1.  *Low of a one-sided systematic in the last region only*: every region and bin has one, with a note of its own
    (:func:`hepcol.inference.templates.pair_sides`).
2.  *Overflow lost*: contents and variances beyond the ends are added to the bins there
    where histograms have bins (:meth:`hepcol.inference.templates.Template.from_hist`), as in the plots; yields have
    none.
3.  *Stale histograms of the theory stored*: every systematic of ``theory.RULES`` is made and kept in one expression.
4.  *Parts and years lost*: all datasets of a sample are added up (:mod:`processors.stop4b.addition`).
5.  *Only the last file*: in the event loop; here all campaigns are added up.
6.  *Data weighted, and called NONE*: data are counted (:mod:`processors.stop4b.contributions`), and called Nom.
7.  *No cleaning of data*: in the event loop (``selection.yaml``).
8.  *All campaigns times the full luminosity*: each one is scaled by the luminosity that it stands for, from weights
    that contain its share (:func:`processors.stop4b.campaigns.luminosity_factor`).
9.  *Fakes made from data scaled like simulation*: they are not scaled, and have no uncertainty of the luminosity.
10. *Ratios of weights that are infinite*: in the event loop; here contents that are not finite are refused.
11. *A floor that hides negative events*: the floor keeps the error and leaves a note, low sides end at 0, and nothing
    is relative to a floor (:func:`hepcol.inference.templates.floored`, ``clipped`` and ``settle``).
12. *A side that is identical to nominal*: told by the content of its trees (the histogram ``trees``), or, where that is
    not known, by contents and entries in all regions, and made by mirroring the other one
    (:func:`hepcol.inference.templates.pair_sides`).
13. *Errors of normalisation factors unused*: they are systematics of the tables and of ``yields.json``
    (:mod:`processors.stop4b.normalisation`).
14. *An event loop for each histogram*: one pass gives all of them, in the event loop.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import hist

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import floored
from hepcol.inference.yields import OBSERVED
from hepcol.report.cutflows import Cutflow
from processors.stop4b.addition import SampleSum, add_samples, check_campaigns
from processors.stop4b.contributions import read_contributions
from processors.stop4b.cutflows import CutflowStep, add_datasets
from processors.stop4b.datasets import Dataset, read_regions
from processors.stop4b.fakes import CLOSURE, fake_ratios, tell_lost
from processors.stop4b.kinds import Kind
from processors.stop4b.normalisation import FACTORS, Factor
from processors.stop4b.sample_systematics import from_ratios, from_variations, scale_pairs, settle_pairs, tell_unused
from processors.stop4b.tables import NO_DATA, PSEUDO, SampleTemplates, Tables
from processors.stop4b.theory import CLOSURE_FILE, Theory, missing_theory

BACKGROUNDS = ("ttbar", "Wt", "Zjets", "VV", "ttZ", "Others", "Fakes")  # in the order of tables
_CLOSE = 1e-6  # relative difference of sums that were made in another order


def make_tables(
    histograms: Mapping[str, Mapping[str, hist.Hist]],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    theory: Theory | None = None,
    closure: Mapping[str, float] | None = None,
    cutflows: Mapping[str, Mapping[str, Sequence[CutflowStep]]] | None = None,
    factors: Mapping[str, Factor] = FACTORS,
) -> Tables:
    """Make the tables of the search.

    Parameters
    ----------
    histograms, metadata : mapping
        By dataset, see :func:`processors.stop4b.contributions.read_contributions`.
    theory : Theory, optional
        Systematics of the theory, see :func:`processors.stop4b.theory.read_theory`.
    closure : mapping of str to float, optional
        Relative error of the fakes' closure by region, see :func:`processors.stop4b.theory.read_closure`.
    cutflows : mapping, optional
        By dataset and region, the cutflow of nominal events.
    factors : mapping of str to Factor
        By sample, factors of the normalisation.

    Raises
    ------
    InputError
        If something is missing, wrong or contradicts itself.
    """
    read = read_contributions(histograms, metadata)
    sums = add_samples(read.parts)
    observed = [found for found in sums.values() if Kind.DATA in found.kinds]
    if len(observed) > 1:
        raise InputError(f"data must be one sample, got {' and '.join(found.name for found in observed)}")
    expected = [found for found in _ordered(sums.values()) if found not in observed]
    theory = theory or Theory()
    samples = {found.name: _templates(found, theory, closure, factors.get(found.name)) for found in expected}
    datasets = {name: Dataset.from_metadata(name, metadata[name]) for name in histograms}
    flows = add_datasets(cutflows or {}, datasets, {name: factor.value for name, factor in factors.items()})
    notes = [
        *_tell_missing(expected, bool(observed), closure),
        *missing_theory(theory, samples, read.regions),
        *(note for note in theory.notes if not note.sample or note.sample in samples),
        *check_campaigns(expected, bool(observed)),
        *read.notes,
        *(note for found in sums.values() for note in found.notes),
        *(note for found in expected for note in _tell_sample(found, samples[found.name])),
        *_compare_cutflows(flows, sums, factors),
    ]
    data = observed[0].nominal if observed else None
    sources = {region.name: {cut.label: cut.source for cut in region.cuts} for region in read_regions(metadata)}
    return Tables(read.regions, samples, data, flows, tuple(notes), label=label_of(metadata), sources=sources)


def label_of(metadata: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what the data are: generated ones say so of themselves."""
    is_pseudo = any(about["kind"] == Kind.DATA and about.get("is_generated") for about in metadata.values())
    return PSEUDO if is_pseudo else OBSERVED


def _ordered(sums: Iterable[SampleSum]) -> list[SampleSum]:
    """Order samples: the known backgrounds, others, signals."""
    order = {name: number for number, name in enumerate(BACKGROUNDS)}
    return sorted(sums, key=lambda found: (found.is_signal, order.get(found.name, len(order))))


def _templates(
    found: SampleSum, theory: Theory, closure: Mapping[str, float] | None, factor: Factor | None
) -> SampleTemplates:
    """Make the templates of a sample, in the order: normalise, vary, and then see to bins without events."""
    scale = 1.0 if factor is None else factor.value
    nominal = {region: template.scaled(scale) for region, template in found.nominal.items()}
    pairs = scale_pairs(from_variations(found), scale)
    pairs |= from_ratios(nominal, theory.ratios.get(found.name, {}))
    if found.is_fake:
        pairs |= from_ratios(nominal, fake_ratios(closure))
    return SampleTemplates(
        {region: floored(template) for region, template in nominal.items()},
        settle_pairs(nominal, pairs),
        found.is_signal,
        Kind.DATA_DRIVEN in found.kinds,
        factor,
    )


def _tell_missing(expected: Iterable[SampleSum], has_data: bool, closure: Mapping[str, float] | None) -> Iterator[Note]:
    """Tell what is not there."""
    names = [found.name for found in expected]
    for name in BACKGROUNDS:
        if name not in names:
            yield Note("no sample", "not there: not in the total background", True, sample=name)
    if not has_data:
        yield Note(NO_DATA, "there are no data", True)
    if closure is None:
        text = f"no such systematic: {CLOSURE_FILE} was not given"
        yield from (
            Note("no closure", text, True, found.name, systematic=CLOSURE) for found in expected if found.is_fake
        )
    elif not any(found.is_fake for found in expected):
        yield Note("unused file", "the error of the closure: there are no fakes: not used", True)
    for found in expected:
        if found.is_fake:
            yield from tell_lost(found.name, closure, found.nominal)


def _tell_sample(found: SampleSum, templates: SampleTemplates) -> Iterator[Note]:
    """Tell how a sample was made."""
    if templates.factor is not None:
        factor = templates.factor
        text = f"multiplied by {factor.value:g} with the error {factor.error:g}: {factor.source}"
        yield Note("normalisation", text, sample=found.name)
    if {Kind.FAKES, Kind.DATA_DRIVEN} <= found.kinds:
        text = "made from data and simulation: no uncertainty of the luminosity, not even of the simulation in it"
        yield Note("mixed kinds", text, sample=found.name)
    yield from tell_unused(found)
    yield from templates.notes(found.name)


def _compare_cutflows(
    flows: Mapping[str, Mapping[str, Cutflow]], sums: Mapping[str, SampleSum], factors: Mapping[str, Factor]
) -> Iterator[Note]:
    """Tell where a cutflow does not end with the yield."""
    for region, by_sample in flows.items():
        for sample, rows in by_sample.items():
            if region not in sums[sample].nominal:
                raise InputError(f"cutflow of '{sample}' in '{region}', which is none of the regions of the yields")
            events = sums[sample].nominal[region].total * (factors[sample].value if sample in factors else 1.0)
            if not math.isclose(rows[-1].value, events, rel_tol=_CLOSE, abs_tol=_CLOSE):
                text = f"cutflow ends with {rows[-1].value:.6g} events, the yield is {events:.6g}"
                yield Note("cutflow", text, True, sample, region)
