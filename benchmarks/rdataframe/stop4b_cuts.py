"""The selection, the weights and the systematics of the stop 4-body analysis, as C++ for RDataFrame."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

CUTS = Path(__file__).parents[2] / "processors" / "stop4b" / "selection.yaml"
OPERATORS = {"above": ">", "at_least": ">=", "below": "<", "at_most": "<="}
BOOLS = ("passBadEvents", "MET_trigger", "isOS", "isSF", "isSignalLep1", "isSignalLep2")
BYTES = ("nlep", "njet", "nbjet", "IFFTypeLep1", "IFFTypeLep2")
# Of the cuts these reject most, 98 % and 92 % of the rows: looked at first, they spare the other columns the work.
# With all cuts in one filter 4.4 M rows take 1.3 s more; with a filter for each cut, 0.7 s, most of it to compile.
FIRST = ("R2l", "MET")

NOMINAL = "nominal"
STREAMS = {"jet_key": "stop4b.JER", "soft_term_key": "stop4b.soft_term"}  # of random numbers, in the header
_TWO_SIDED = (
    "EG_RESOLUTION_ALL",
    "EG_SCALE_ALL",
    "JET_EtaIntercalibration_NonClosure_highE",
    "JET_EtaIntercalibration_NonClosure_negEta",
    "JET_EtaIntercalibration_NonClosure_posEta",
    "JET_Flavor_Response",
    "JET_GroupedNP_1",
    "JET_GroupedNP_2",
    "JET_GroupedNP_3",
    "MUON_ID",
    "MUON_MS",
    "MUON_SAGITTA_RESBIAS",
    "MUON_SAGITTA_RHO",
    "MUON_SCALE",
)
_JET_RESOLUTIONS = ("DataVsMC_MC16", *(f"EffectiveNP_{number}" for number in range(1, 7)), "EffectiveNP_7restTerm")
KINEMATIC = (
    *(f"{name}__1{side}" for name in _TWO_SIDED for side in ("up", "down")),
    *(f"JET_JER_{name}__1up" for name in _JET_RESOLUTIONS),
    *(f"MET_SoftTrk_{name}" for name in ("ScaleUp", "ScaleDown", "ResoPara", "ResoPerp")),
)
_MUON_EFFICIENCIES = (
    "BADMUON_STAT",
    "BADMUON_SYS",
    "ISO_STAT",
    "ISO_SYS",
    "RECO_STAT",
    "RECO_STAT_LOWPT",
    "RECO_SYS",
    "RECO_SYS_LOWPT",
    "TTVA_STAT",
    "TTVA_SYS",
)
_TAGGING = ("B_systematics", "C_systematics", "Light_systematics", "extrapolation", "extrapolation_from_charm")
_FACTORS = {
    "WeightEventselSF": [f"EL_EFF_{n}_TOTAL_1NPCOR_PLUS_UNCOR" for n in ("ChargeIDSel", "ID", "Iso", "Reco")],
    "WeightEventsmuSF": [f"MUON_EFF_{name}" for name in _MUON_EFFICIENCIES],
    "WeightEventsbTag": [f"FT_EFF_{name}" for name in _TAGGING],
    "WeightEventsJVT": ["JET_JvtEfficiency"],
    "WeightEventsPU": ["PRW_DATASF"],
}
# the factor that a column varies
WEIGHTS = {
    f"{factor}_{n}__1{side}": factor for factor, names in _FACTORS.items() for n in names for side in ("up", "down")
}
FAKE_WEIGHT = "fakeWeight"
_FAKE_WEIGHTS = {
    f"{FAKE_WEIGHT}_{n}{side}": FAKE_WEIGHT for n in ("stat", "compSyst_SRA", "compSyst_SRB") for side in ("Up", "Down")
}

Yield = list[float]  # number of rows, sum of weights, sum of squared weights
Yields = dict[str, dict[str, dict[str, Yield]]]  # by sample, variation and region


def no_yields() -> Yields:
    """Yields to be filled."""
    return defaultdict(lambda: defaultdict(dict))


class Kind(StrEnum):
    """What a sample is made of: each has cuts and a weight of its own."""

    PROMPT = "prompt"
    FAKES = "fakes"
    DATA = "data"

    @property
    def in_weight(self) -> tuple[str, ...]:
        """Columns whose product is the weight; none is 1."""
        product = ("weight", "WeightEventsbTag", "WeightEventsPU")
        return {Kind.PROMPT: product, Kind.FAKES: (*product, FAKE_WEIGHT), Kind.DATA: ()}[self]

    @property
    def variations(self) -> dict[str, str]:
        """Columns of the nominal tree that vary the weight, with the factor that each varies."""
        return {Kind.PROMPT: WEIGHTS, Kind.FAKES: WEIGHTS | _FAKE_WEIGHTS, Kind.DATA: {}}[self]

    @property
    def weight(self) -> str:
        """Weight of a row."""
        return "*".join(self.in_weight) or "1."

    def varied_weight(self, column: str) -> str:
        """Weight of a row with a variation of a factor: in its place, or as a ratio if the weight does not have it."""
        factor = self.variations[column]
        if factor in self.in_weight:
            return "*".join(column if name == factor else name for name in self.in_weight)
        return f"{self.weight}*({factor} == 0 ? 1. : double({column})/{factor})"


def kind_of(sample: str) -> Kind:
    """Kind of a sample, by its name."""
    if sample.startswith("Fake"):
        return Kind.FAKES
    return Kind.DATA if sample == "Data" else Kind.PROMPT


@dataclass(frozen=True)
class Cut:
    """A condition on one column, as an expression; ``kinds`` are those of the samples it is for."""

    column: str
    expression: str
    kinds: tuple[Kind, ...] = tuple(Kind)


@dataclass(frozen=True)
class Selection:
    """Cuts that all regions have in common, and those of each region."""

    preselection: tuple[Cut, ...]
    regions: dict[str, tuple[Cut, ...]]

    @property
    def first_columns(self) -> tuple[str, ...]:
        """Columns of ``FIRST`` that every region asks something of."""
        columns = [{cut.column for cut in cuts} for cuts in self.regions.values()]
        return tuple(column for column in FIRST if all(column in one for one in columns))

    @property
    def first(self) -> str:
        """What every region asks of them."""
        asked = (
            _any(_join(cut for cut in cuts if cut.column == column) for cuts in self.regions.values())
            for column in self.first_columns
        )
        return " && ".join(asked) or "true"

    def passes(self, kind: Kind) -> str:
        """Preselection and at least one of the regions."""
        return f"{self.preselects(kind)} && {_any(self.in_region(name) for name in self.regions)}"

    def preselects(self, kind: Kind) -> str:
        """All cuts of the preselection of samples of a kind."""
        return _join(self.preselected(kind))

    def preselected(self, kind: Kind) -> tuple[Cut, ...]:
        """Preselection of samples of a kind."""
        return tuple(cut for cut in self.preselection if kind in cut.kinds)

    def in_region(self, name: str) -> str:
        """All cuts of a region, without the preselection."""
        return _join(self.regions[name])

    def columns(self, kind: Kind | None) -> tuple[str, ...]:
        """Columns that the regions read, and the preselection of a kind if there is one."""
        cuts = [*(self.preselected(kind) if kind else ()), *(cut for cuts in self.regions.values() for cut in cuts)]
        return tuple(dict.fromkeys(cut.column for cut in cuts))


def _join(cuts: Iterable[Cut]) -> str:
    return " && ".join(cut.expression for cut in cuts) or "true"


def _any(expressions: Iterable[str]) -> str:
    return f"({' || '.join(f'({one})' for one in dict.fromkeys(expressions))})"


def read_selection(path: Path = CUTS) -> Selection:
    """Read the table of cuts."""
    table = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return Selection(
        tuple(map(_read_cut, table["preselection"])),
        {name: tuple(map(_read_cut, region["cuts"])) for name, region in table["regions"].items()},
    )


def _read_cut(entry: dict[str, Any]) -> Cut:
    column = entry["column"]
    conditions = [f"{column} {sign} {float(entry[key])!r}" for key, sign in OPERATORS.items() if key in entry]
    if "equal" in entry:
        accepted = entry["equal"] if isinstance(entry["equal"], list) else [entry["equal"]]
        conditions.append(_any(f"{column} == {str(value).lower()}" for value in accepted))
    kinds = tuple(map(Kind, entry["samples"])) if "samples" in entry else tuple(Kind)
    return Cut(column, " && ".join(conditions), kinds)


def stream_key(stream: str, seed: int = 0, namespace: str = "stop4b") -> int:
    """Key of a random stream, as documented in ``hepcol.random``."""
    message = f"{seed}:{len(stream)}:{stream}:{len(namespace)}:{namespace}"
    return int.from_bytes(hashlib.blake2b(message.encode(), digest_size=8).digest(), "little")


def write_header(selection: Selection) -> str:
    """Write the same as a header: functions of columns, or of a row that has them as members, for each kind."""
    lines = ["#pragma once", '#include "stop4b.hpp"', "namespace stop4b {"]
    lines += [f"constexpr std::uint64_t {name} = {stream_key(stream)}ull;" for name, stream in STREAMS.items()]
    lines += [f"constexpr int n_regions = {len(selection.regions)};"]
    lines += [f"constexpr const char *regions[] = {_braces(map(_quote, selection.regions))};"]
    first = selection.first_columns
    lines += [f"inline bool passes_first({_parameters(first)}) {{ return {selection.first}; }}"]
    lines += [
        f"template <class Row> bool passes_first_row(const Row &row) {{ return passes_first({_members(first)}); }}"
    ]
    lines += [f"inline Columns first_columns() {{ return {_braces(map(_quote, first))}; }}"]
    read = selection.columns(None)
    add = " ".join(
        f"if ({selection.in_region(name)}) found.push_back({n});" for n, name in enumerate(selection.regions)
    )
    lines += [f"inline Regions regions_of({_parameters(read)}) {{ Regions found; {add} return found; }}"]
    lines += [f"template <class Row> Regions regions_of_row(const Row &row) {{ return regions_of({_members(read)}); }}"]
    lines += [f"inline Columns region_columns() {{ return {_braces(map(_quote, read))}; }}"]
    for kind in Kind:
        lines += _write_kind(selection, kind)
    return "\n".join((*lines, "}  // namespace stop4b", ""))


def _write_kind(selection: Selection, kind: Kind) -> Iterator[str]:
    """Write a structure of static members."""
    read, product = selection.columns(kind), kind.in_weight[1:]  # the rest: `weight` is double, all others are float
    others = [factor for factor in dict.fromkeys(kind.variations.values()) if factor not in product]
    factors = [*product, *others]
    yield f"struct {kind.title()} {{"
    own = {Kind.FAKES: 'starts_with(sample, "Fake")', Kind.DATA: 'sample == "Data"'}
    is_kind = own.get(kind, f"!({' || '.join(f'({one})' for one in own.values())})")
    yield f"static bool has(const std::string &sample) {{ return {is_kind}; }}"
    yield f"static bool passes({_parameters(read)}) {{ return {selection.passes(kind)}; }}"
    yield f"template <class Row> static bool passes_row(const Row &row) {{ return passes({_members(read)}); }}"
    yield f"static Columns columns() {{ return {_braces(map(_quote, read))}; }}"
    yield f"static constexpr int n_in_weight = {len(product)}, n_factors = {len(factors)};"
    yield f"static constexpr int n_variations = {len(kind.variations)};"
    yield f"static Columns factors() {{ return {_braces(map(_quote, factors))}; }}"
    yield f"static Columns variations() {{ return {_braces(map(_quote, kind.variations))}; }}"
    varied = (str(factors.index(factor)) for factor in kind.variations.values())
    yield f"static constexpr std::array<int, n_variations> varied{_braces(varied)};"
    yield "};"


def _parameters(columns: Iterable[str]) -> str:
    return ", ".join(f"{type_of(name)} {name}" for name in columns)


def type_of(column: str) -> str:
    """Type of a column, as RDataFrame reads it."""
    return "bool" if column in BOOLS else "char" if column in BYTES else "float"


def _members(columns: Iterable[str]) -> str:
    return ", ".join(f"row.{name}" for name in columns)


def _quote(text: str) -> str:
    return f'"{text}"'


def _braces(items: Iterable[str]) -> str:
    return "{" + ", ".join(items) + "}"
