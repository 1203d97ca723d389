"""How simulation is normalised: a table to read, and one for programs."""

from hepcol.filesums import EVENTS
from hepcol.normalisation import WeightSum
from hepcol.report.composition import Composition
from hepcol.report.markup import TextTable
from hepcol.report.numbers import luminosity_text
from hepcol.report.yield_csv import write_csv

_HEADER = (
    "sample", "process", "DSID", "campaigns", "luminosity", "cross-section [pb]", "k-factor", "filter efficiency",
    "sum of weights", "of", "factor of weights",
)  # fmt: skip
_FIELDS = (
    "sample", "process", "dsid", "campaigns", "luminosity_fb", "cross_section_pb", "k_factor", "filter_efficiency",
    "events", "sum_weights", "source", "whole", "factor",
)  # fmt: skip


def normalisation_table(made: Composition) -> TextTable:
    """Tabulate the factors of all simulation, and what they are made of."""
    rows = []
    for part, scale in made.scales.items():
        sample, weights = made.table.samples[part.sample], scale.weights
        rows.append(
            (
                part.sample,
                made.table.process_of(part.sample),
                ", ".join(map(str, sample.dsid)) or "-",
                ", ".join(part.campaigns),
                luminosity_text(scale.luminosity, "^-1"),
                f"{sample.cross_section:g}",
                f"{sample.k_factor:g}",
                f"{sample.filter_efficiency:g}",
                f"{weights.value:,.8g}",
                _of(weights),
                f"{scale.factor:.6g}",
            )
        )
    return TextTable("Normalisation", _HEADER, rows)


def _of(weights: WeightSum) -> str:
    """Say of which events a sum of weights is."""
    sources = ("what was processed" if source == EVENTS else source for source in weights.sources)
    return f"{weights.events:,} events, of {' and '.join(sources)}{'' if weights.whole else ' (FILES READ IN PART)'}"


def normalisation_csv(made: Composition, mark: str) -> str:
    """Write the same with all digits."""
    rows = []
    for part, scale in made.scales.items():
        sample, weights = made.table.samples[part.sample], scale.weights
        names = (part.sample, made.table.process_of(part.sample), " ".join(map(str, sample.dsid)))
        factors = (scale.luminosity, sample.cross_section, sample.k_factor, sample.filter_efficiency)
        told = (weights.events, weights.value, ", ".join(weights.sources), int(weights.whole), scale.factor)
        rows.append((*names, " ".join(part.campaigns), *factors, *told))
    return write_csv(_FIELDS, rows, mark)
