"""What the event loop gives, made by hand: histograms and metadata of datasets."""

import hist
import numpy as np

from processors.stop4b.campaigns import LUMINOSITIES
from processors.stop4b.cutflows import CutflowStep
from processors.stop4b.systematics import FAKES, KINEMATIC, WEIGHT

REGIONS = ("Stop4b_SRA", "Stop4b_SRB")
SRA, SRB = REGIONS
CAMPAIGNS = ("mc16a", "mc16d", "mc16e")
L_TOT = 3.21956 + 32.9881 + 44.3074 + 58.4501
L_OF = {"mc16a": 3.21956 + 32.9881, "mc16d": 44.3074, "mc16e": 58.4501}
WEIGHTS = tuple(one.name for systematic in WEIGHT for one in systematic.variations)
FAKE_WEIGHTS = tuple(one.name for systematic in FAKES for one in systematic.variations)
TREES = tuple(one.name for systematic in KINEMATIC for one in systematic.variations)


def make(events, campaigns=CAMPAIGNS, regions=REGIONS):
    """Histograms of a dataset.

    ``events`` is by variation and region: (entries, events in all campaigns), or (entries, events, variance); they are
    shared among the campaigns as the luminosity is, with the weights that files have: events / L_tot.
    """
    axes = (
        hist.axis.StrCategory(list(campaigns), name="campaign", overflow=False),
        hist.axis.StrCategory(list(regions), name="region", overflow=False),
        hist.axis.StrCategory(list(events), name="variation", overflow=False),
    )
    yields = hist.Hist(*axes, storage=hist.storage.Weight())
    entries = hist.Hist(*axes, storage=hist.storage.Int64())
    share = np.array([L_OF[campaign] for campaign in campaigns]) / L_TOT
    for k, by_region in enumerate(events.values()):
        for j, region in enumerate(regions):
            number, total, *variance = by_region[region]
            variance = variance[0] if variance else total**2 / max(number, 1)
            yields.view()["value"][:, j, k] = total / L_TOT * share
            yields.view()["variance"][:, j, k] = variance / L_TOT**2 * share
            counts = np.floor(number * share).astype(int)
            counts[-1] += number - counts.sum()
            entries.view()[:, j, k] = counts
    return {"yields": yields, "entries": entries}


def make_counts(numbers, regions=REGIONS, weight=1.0):
    """Histograms of data: ``numbers`` by region, all in one campaign; ``weight`` is what they must not have."""
    found = make({"nominal": dict.fromkeys(regions, (0, 0))}, regions=regions)
    for j, region in enumerate(regions):
        found["entries"].view()[0, j, 0] = numbers[region]
        found["yields"].view()["value"][0, j, 0] = numbers[region] * weight
        found["yields"].view()["variance"][0, j, 0] = numbers[region] * weight**2
    return found


def make_trees(events, campaigns=CAMPAIGNS):
    """What tells trees apart: ``events`` is by variation, in each campaign; all of their checksums differ."""
    axes = (
        hist.axis.StrCategory(list(campaigns), name="campaign", overflow=False),
        hist.axis.StrCategory(list(events), name="variation", overflow=False),
        hist.axis.StrCategory(["events", "checksum"], name="quantity", overflow=False),
    )
    found = hist.Hist(*axes, storage=hist.storage.Int64())
    for k, numbers in enumerate(events.values()):
        found.view()[:, k, 0] = numbers
        found.view()[:, k, 1] = 1000 + k
    return found


def about(sample, kind="prompt", component="", **more):
    """Metadata of a dataset."""
    is_signal = sample.startswith("signal_")
    luminosity = dict(LUMINOSITIES) if kind in ("prompt", "fakes") else {}
    found = {"sample": sample, "kind": kind, "is_signal": is_signal, "luminosity": luminosity, "fallback": ""}
    return found | ({"component": component} if component else {}) | more


def both(a, b):
    return {SRA: a, SRB: b}


def flat(a, b):
    """Nominal events alone, with the entries that their numbers suggest."""
    return {"nominal": both((25, a), (200, b))}


def full_sample(name, entries, events, seed, kind="prompt", is_fake=False):
    """Datasets of a sample with all its trees, and their metadata: variations of some per cent."""
    rng = np.random.default_rng(seed)

    def varied(size):
        return {
            region: (max(0, round(number * (1 + rng.normal(0, size)))), total * (1 + rng.normal(0, size)))
            for region, number, total in zip(REGIONS, entries, events, strict=True)
        }

    weights = (*WEIGHTS, *(FAKE_WEIGHTS if is_fake else ()))
    nominal = {"nominal": both(*zip(entries, events, strict=True))} | {weight: varied(0.01) for weight in weights}
    histograms = {f"{name}_WEIGHTS": make(nominal)} | {f"{name}_{tree}": make({tree: varied(0.03)}) for tree in TREES}
    if "MUON_SAGITTA_RHO__1down" in TREES:
        histograms[f"{name}_MUON_SAGITTA_RHO__1down"] = make({"MUON_SAGITTA_RHO__1down": nominal["nominal"]})
    return histograms, {dataset: about(name, kind, component=name) for dataset in histograms}


def steps(*rows, campaigns=CAMPAIGNS):
    """Steps of a cutflow: (label, entries, events in all campaigns), shared as the luminosity is."""
    share = {campaign: L_OF[campaign] / L_TOT for campaign in campaigns}
    return tuple(
        CutflowStep(
            label,
            {campaign: round(number * part) for campaign, part in share.items()},
            {campaign: events / L_TOT * part for campaign, part in share.items()},
            {campaign: (events / L_TOT) ** 2 / max(number, 1) * part for campaign, part in share.items()},
        )
        for label, number, events in rows
    )
