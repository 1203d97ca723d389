"""What the table of all comparisons has of each: its tasks, and where their times are among what was measured."""

import functools
import statistics
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from benchmarks.figures import number
from benchmarks.published import MANY, ONE, THREADS, WORKERS, Figure

ELSEWHERE, ORIGINAL, BEST, OWN, COFFEA, OTHER, HEPCOL = WAYS = (
    "elsewhere",
    "RDataFrame original",
    "RDataFrame best",
    "C++ of one's own",
    "stock coffea",
    "other way",
    "hepcol",
)
MEASURED = WAYS[1:]
HOWS = ONE, THREADS, WORKERS, MANY
UNIT_S = "s"
COMPARISONS = "zee", "zee_atlas", "egamma", "stop4b", "graphs", "skim", "chunks", "scaling"


class Place(NamedTuple):
    """Where a time stands: who does it, on how much."""

    way: str
    how: str


Told = Mapping[str, Any]  # the JSON of a comparison
Samples = Mapping[Hashable, list[dict[str, Any]]]
Values = Callable[[Samples], list[float]]


@dataclass(frozen=True)
class Task:
    """Something that hepcol does and others do, too.

    Parameters
    ----------
    key : str
        By which it is recorded.
    comparison : str
        What measures it.
    title : str
        Of its rows.
    what : str, or a function of what the comparison tells
        Its size in words.
    unit : str
        Of its times.
    times : dict of Place to function of samples
        Where times are that were measured; nothing if they were not.
    told : dict of Place to list of Figure
        Times of other machines.
    against : dict of Place to function of samples
        Times of hepcol to compare with, where these are others than those of :func:`counterpart`.
    notes : dict of Place to str or function of samples
        What to know about a time.
    absent : dict of Place, or a way, to str
        Why a time is not there.
    """

    key: str
    comparison: str
    title: str
    what: str | Callable[[Told], str]
    times: Mapping[Place, Values]
    unit: str = UNIT_S
    told: tuple[Figure, ...] = ()
    against: Mapping[Place, Values] = field(default_factory=dict)
    notes: Mapping[Place, str | Callable[[Samples], str]] = field(default_factory=dict)
    absent: Mapping[Place | str, str] = field(default_factory=dict)

    def size(self, told: Told) -> str:
        """Its size in words."""
        return self.what if isinstance(self.what, str) else self.what(told)

    @property
    def hows(self) -> list[str]:
        """What has a row: anything measured or told."""
        there = {place.how for place in self.times} | {figure.where for figure in self.told}
        return [how for how in HOWS if how in there]

    def reason(self, place: Place, told: Told) -> str:
        """Why a time is not there."""
        if place in self.times:
            return _missing(place, told)
        if place in self.absent:
            return self.absent[place]
        if place.how == MANY:
            return "measured on one machine"
        if place.way in self.absent:
            return self.absent[place.way]
        return _ABSENT.get(place) or _ABSENT[place.way]

    def note(self, place: Place, samples: Samples) -> str | None:
        """What to know about a time, if anything."""
        note = self.notes.get(place) or _NOTES.get(place.way)
        return note(samples) if callable(note) else note

    def counterpart(self, place: Place) -> Place:
        """Where the time of hepcol is that a time is compared with: on as much, if it was measured."""
        for how in (place.how, WORKERS) if place.how != ONE else ():
            if Place(HEPCOL, how) in self.times:
                return Place(HEPCOL, how)
        return Place(HEPCOL, ONE)

    def ratios(self, place: Place, samples: Samples) -> list[float]:
        """Time of a place over hepcol's, run by run; of hepcol's own, its time on one process over this one."""
        if place.way == HEPCOL:
            over, under = self.times[Place(HEPCOL, ONE)](samples), self.times[place](samples)
        else:
            against = self.against.get(place) or self.times[self.counterpart(place)]
            over, under = self.times[place](samples), against(samples)
        if not over or not under:
            return []
        return [one / other for one, other in zip(over, under, strict=True)]


def _missing(place: Place, told: Told) -> str:
    """Why a time was not measured that could have been."""
    names = sorted({name for missing in told.get("left_out", {}).values() for name in missing})
    if names and place.way == OTHER:
        return f"not measured: {', '.join(names)} not installed"
    return "not measured: of a full run" if told.get("quick") else "not measured"


NOT_MADE = "no such version was made"
_ABSENT: Mapping[Place | str, str] = {
    ELSEWHERE: "no time was told",
    ORIGINAL: NOT_MADE,
    BEST: NOT_MADE,
    OWN: NOT_MADE,
    COFFEA: NOT_MADE,
    Place(COFFEA, THREADS): "stock coffea runs on processes, not on threads",
    OTHER: "no other way is compared",
    Place(HEPCOL, THREADS): "not measured: 2 workers are compared",
    HEPCOL: "not measured: there is little to gain",
}
_NOTES = {COFFEA: "the same processor in coffea's own Runner"}
_NO_ORIGINAL = "no original study has this step by RDataFrame"
_NO_CALIBRATION = "the calibration is no part of RDataFrame or coffea; ATLAS has it in C++, object by object"


def samples_of(comparison: str, told: Told) -> Samples:
    """Return what was measured in a comparison, by what it calls its subjects."""
    found: dict[Hashable, list[dict[str, Any]]]
    if comparison in ("zee_atlas", "stop4b"):
        found = dict(told["subjects"])
    elif comparison == "zee":
        found = {(one["subject"], one["electrons"], one["variations"]): one["samples"] for one in told["cases"]}
    elif comparison == "egamma":
        found = {(one["subject"], one["model"]): one["samples"] for one in told["cases"]}
    elif comparison == "skim":
        found = {(one["input"], one["subject"]): one["samples"] for one in told["subjects"]}
    elif comparison == "graphs":
        # runs by chunks have the same names for few and for many events
        chunked = {"chunks", "events"}
        found = {
            (one["case"], one["samples"][0]["events"] if chunked <= set(one["samples"][0]) else None): one["samples"]
            for one in told["cases"]
        }
    else:
        found = dict(told.get("subjects", {}))
    return found


def _of(subject: Hashable, key: str, scale: float = 1.0) -> Values:
    """Times of a subject, with the start of its cluster where that is told besides."""

    def values(samples: Samples) -> list[float]:
        every = samples.get(subject, [])
        return [scale * (sample[key] + (sample.get("cluster_s") or 0.0)) for sample in every]

    return values


def _median(values: list[float]) -> str:
    return f"{number(statistics.median(values))} s" if values else "not measured"


def _zee() -> Task:
    from benchmarks import published, zee

    def at(subject: str, electrons: str = zee.GENERATOR) -> Values:
        return _of((subject, electrons, zee.VARIATIONS), "total_s")

    def as_published(samples: Samples) -> str:
        ours, theirs = (_median(at(one, zee.ORIGINAL)(samples)) for one in (zee.HEPCOL, zee.AS_ORIGINAL))
        return (
            f"{published.ZEE[0].source}. It is of the study's own choice of particles (`electrons=original`), for "
            f"which RDataFrame original on one process here: {theirs}, hepcol: {ours}"
        )

    return Task(
        key="zee",
        comparison="zee",
        title="Zee",
        what=lambda told: f"{told['events']:,} events, {zee.VARIATIONS} smearings",
        times={
            Place(ORIGINAL, ONE): at(zee.AS_ORIGINAL),
            Place(ORIGINAL, THREADS): at(zee.AS_ORIGINAL_THREADS),
            Place(ORIGINAL, WORKERS): at(zee.AS_ORIGINAL_DASK),
            Place(BEST, ONE): at(zee.BEST),
            Place(BEST, THREADS): at(zee.BEST_THREADS),
            Place(BEST, WORKERS): at(zee.BEST_DASK),
            Place(OWN, ONE): at(zee.EQUAL),
            Place(OWN, THREADS): at(zee.EQUAL_THREADS),
            Place(COFFEA, ONE): at(zee.COFFEA),
            Place(COFFEA, WORKERS): at(zee.COFFEA_DASK),
            Place(HEPCOL, ONE): at(zee.HEPCOL),
            Place(HEPCOL, WORKERS): at(zee.HEPCOL_DASK),
        },
        told=published.ZEE,
        notes={
            **{Place(ELSEWHERE, figure.where): as_published for figure in published.ZEE},
            **dict.fromkeys(
                (Place(OWN, ONE), Place(OWN, THREADS)),
                "`equal`: hepcol's kernel in C++ behind RDataFrame's reading, every count the same",
            ),
        },
        absent={Place(OWN, WORKERS): "distributed RDataFrame takes no action of one's own"},
    )


def _zee_atlas() -> list[Task]:
    from benchmarks import zee_atlas

    def at(subject: str, key: str = "loop_s") -> Values:
        return _of(subject, key)

    own = "the functions of best are compiled ahead already"
    return [
        Task(
            key="zee_atlas nominal",
            comparison="zee_atlas",
            title="zee_atlas, nominal",
            what=lambda told: f"{told['events']:,} events, not calibrated",
            times={
                Place(BEST, ONE): at(zee_atlas.RDF),
                Place(BEST, THREADS): at(zee_atlas.RDF_THREADS),
                Place(BEST, WORKERS): at(zee_atlas.RDF_DASK),
                Place(COFFEA, ONE): at(zee_atlas.COFFEA),
                Place(HEPCOL, ONE): at(zee_atlas.NOMINAL),
                Place(HEPCOL, WORKERS): at(zee_atlas.NOMINAL_DASK),
            },
            absent={ORIGINAL: _NO_ORIGINAL, OWN: own},
        ),
        Task(
            key="zee_atlas all",
            comparison="zee_atlas",
            title="zee_atlas, all systematics",
            what=lambda told: f"{told['events']:,} events, {told['variations']} variations",
            times={
                Place(COFFEA, ONE): at(zee_atlas.COFFEA_FULL),
                Place(OTHER, ONE): at(zee_atlas.SINGLE, "scaled_s"),
                Place(HEPCOL, ONE): at(zee_atlas.FULL),
                Place(HEPCOL, WORKERS): at(zee_atlas.FULL_DASK),
            },
            notes={Place(OTHER, ONE): "hepcol, one variation after the other; a sample of them, scaled"},
            absent={ORIGINAL: _NO_CALIBRATION, BEST: _NO_CALIBRATION, OWN: _NO_CALIBRATION},
        ),
    ]


def _egamma() -> list[Task]:
    from benchmarks import egamma

    newest = egamma.NEWEST

    def at(subject: str, key: str = "us") -> Values:
        return _of((subject, newest), key)

    def cpp(subject: str) -> tuple[Figure, ...]:
        (told,) = (dict(zip(egamma.MODELS, one.cpp, strict=True)) for one in egamma.PASSES if one.subject == subject)
        return (Figure(told[newest], ONE, "C++ tool", egamma.CPP),)

    make = functools.partial(
        Task,
        comparison="egamma",
        unit="us an electron",
        absent=dict.fromkeys((ORIGINAL, BEST, OWN, COFFEA), _NO_CALIBRATION),
    )

    def electrons(told: Told) -> str:
        return f"{told['electrons']:,} electrons, {newest}"

    return [
        make(
            key="egamma data",
            title="EGamma, data",
            what=lambda told: f"{electrons(told)}, nominal",
            times={Place(HEPCOL, ONE): at("data")},
            told=cpp("data"),
        ),
        make(
            key="egamma all",
            title="EGamma, simulation",
            what=lambda told: f"{electrons(told)}, all of FULL_v1, smeared as by ATLAS",
            times={Place(HEPCOL, ONE): at("FULL-atlas")},
            told=cpp("FULL-atlas"),
        ),
        make(
            key="egamma histograms",
            title="EGamma, histograms",
            what=lambda told: f"{electrons(told)}, all of FULL_v1 filled",
            times={
                Place(HEPCOL, ONE): at("threads", "histograms_one_us"),
                Place(HEPCOL, THREADS): at("threads", "histograms_two_us"),
                Place(HEPCOL, WORKERS): at("dask", "histograms_two_us"),
            },
            notes={Place(HEPCOL, WORKERS): "workers are there already, with the electrons"},
        ),
        make(
            key="egamma scale",
            title="EGamma, the scale alone",
            what=lambda told: f"{electrons(told)}, from Z -> ee",
            times={
                Place(OTHER, ONE): at("correctionlib", "correctionlib_us"),
                Place(HEPCOL, ONE): at("correctionlib", "scale_us"),
            },
            notes={Place(OTHER, ONE): "correctionlib, of columns that are prepared"},
        ),
    ]


def _stop4b() -> list[Task]:
    from benchmarks import published, stop4b

    def at(subject: str) -> Values:
        return _of(subject, "loop_s")

    return [
        Task(
            key="stop4b trees",
            comparison="stop4b",
            title="stop4b, 41 trees",
            what=lambda told: f"{told['rows'][stop4b.TREES_ONE]:,} rows, 83 variations",
            times={
                Place(ORIGINAL, ONE): at(stop4b.ORIGINAL),
                Place(ORIGINAL, THREADS): at(stop4b.ORIGINAL_THREADS),
                Place(BEST, ONE): at(stop4b.BEST),
                Place(BEST, THREADS): at(stop4b.BEST_THREADS),
                Place(BEST, WORKERS): at(stop4b.BEST_DASK),
                Place(OWN, ONE): at(stop4b.COMPILED),
                Place(COFFEA, ONE): at(stop4b.COFFEA_TREES),
                Place(HEPCOL, ONE): at(stop4b.TREES_ONE),
                Place(HEPCOL, WORKERS): at(stop4b.TREES_DASK),
            },
            told=published.STOP4B,
            notes={Place(OWN, ONE): "a program in C++ for this analysis, without Python"},
        ),
        Task(
            key="stop4b objects",
            comparison="stop4b",
            title="stop4b, objects",
            what=lambda told: f"{told['rows'][stop4b.ON_THE_FLY]:,} events, the same variations on the fly",
            times={
                Place(OWN, ONE): at(stop4b.VARY),
                Place(COFFEA, ONE): at(stop4b.COFFEA_OBJECTS),
                Place(HEPCOL, ONE): at(stop4b.ON_THE_FLY),
                Place(HEPCOL, WORKERS): at(stop4b.ON_THE_FLY_DASK),
            },
            notes={Place(OWN, ONE): "RDataFrame's `Vary` in a program in C++ for this analysis, without Python"},
            absent={ORIGINAL: "the study has trees, no objects"},
        ),
    ]


def _graphs() -> list[Task]:
    from benchmarks import graphs, published

    cases = {case.subject: case.name for case in (*graphs.plan(quick=True), *graphs.plan(quick=False))}

    def at(name: str, key: str, scale: float = 1.0, events: int | None = None) -> Values:
        """Times of a subject whose arguments, such as its number of jets, may differ."""

        def values(samples: Samples) -> list[float]:
            found = [one for one in samples if one[0].split()[: len(name.split())] == name.split() and one[1] == events]
            return _of(found[0], key, scale)(samples) if found else []

        return values

    def scaled(samples: Samples) -> list[float]:
        whole = next((every for (name, _), every in samples.items() if name == cases["events_all"]), [])
        others = next((every for (name, _), every in samples.items() if name.startswith("awkward_events")), [])
        return [sample["us"] * 1e-6 * whole[0]["jets"] for sample in others] if whole else []

    def pairs(samples: Samples) -> str:
        one, all_pairs = at("wl", "other_ms")(samples), at("wl", "all_pairs_ms")(samples)
        ratio = number(statistics.median(all_pairs) / statistics.median(one))
        ours = number(statistics.median(at("wl", "ms", 1e-3)(samples)))
        return (
            f"GraKeL in one call, CPU time; the ratio is to hepcol's in one call, {ours} s of CPU. A call for each "
            f"pair takes {ratio} times as long"
        )

    def count(told: Told, subject: str, key: str) -> str:
        every = next((one["samples"] for one in told["cases"] if one["case"].split()[0] == subject), None)
        return f"{every[0][key]:,}" if every else "no"

    few, many = graphs.EVENTS, graphs.MANY_EVENTS
    make = functools.partial(Task, comparison="graphs")
    absent = {
        **dict.fromkeys((ORIGINAL, BEST, OWN), "graphs are no part of RDataFrame"),
        COFFEA: "graphs are no part of coffea",
    }
    workers = "local processes, whose start is within the time"
    return [
        make(
            key="graphs jets",
            title="graphs, in memory",
            what=lambda told: f"{count(told, 'pandas', 'jets')} jets, dR",
            unit="us a jet",
            times={
                Place(OTHER, ONE): at("pandas", "dr_other_us"),
                Place(OTHER, WORKERS): at("joblib", "dr_other_us"),
                Place(HEPCOL, ONE): at("pandas", "dr_us"),
            },
            against={Place(OTHER, WORKERS): at("joblib", "dr_us")},
            notes={
                Place(HEPCOL, ONE): "CPU time",
                Place(OTHER, ONE): (
                    "pandas, and a loop over pairs into networkx, as the original study may do it; CPU time"
                ),
                Place(OTHER, WORKERS): "the same by joblib, wall time, against that of one process of hepcol",
            },
            absent={**absent, Place(HEPCOL, WORKERS): "not measured: see from file to files"},
        ),
        make(
            key="graphs files",
            title="graphs, file to files",
            what=f"{few:,} events, 7 nearest neighbours, with edges",
            times={
                Place(OTHER, ONE): scaled,
                Place(HEPCOL, ONE): at("events_all", "run_cpu_s"),
            },
            told=published.GRAPHS_17K,
            notes={
                Place(HEPCOL, ONE): "CPU time",
                Place(OTHER, ONE): "loop over awkward, PyTorch Geometric, `torch.save`; CPU time of some jets, scaled",
            },
            absent=absent,
        ),
        make(
            key="graphs many",
            title="graphs, file to files",
            what=f"{many:,} events, 7 nearest neighbours, nodes alone",
            times={
                Place(HEPCOL, ONE): at("chunks 8 0", "s", events=many),
                Place(HEPCOL, WORKERS): at("chunks 8 2", "s", events=many),
            },
            told=published.GRAPHS_434K,
            notes={Place(HEPCOL, WORKERS): workers},
            absent=absent,
        ),
        make(
            key="graphs gram",
            title="graphs, similarity",
            what=f"{graphs.GRAPHS} graphs with each other, Weisfeiler-Lehman, h = 5",
            times={
                Place(OTHER, ONE): at("wl", "other_ms", 1e-3),
                Place(HEPCOL, ONE): at(f"partitions {graphs.GRAPHS} 1 0", "s"),
                Place(HEPCOL, WORKERS): at(f"partitions {graphs.GRAPHS} 4 2", "s"),
            },
            against={Place(OTHER, ONE): at("wl", "ms", 1e-3)},
            told=published.GRAM_500,
            notes={
                Place(OTHER, ONE): pairs,
                Place(HEPCOL, WORKERS): "workers are there already, with the graphs in 4 partitions",
            },
            absent=absent,
        ),
    ]


def _skim() -> list[Task]:
    from benchmarks import skim

    def task(one: skim.Input) -> Task:
        def at(subject: str) -> Values:
            return _of((one.name, subject), "loop_s")

        return Task(
            key=f"skim {one.name}",
            comparison="skim",
            title=f"skim, {one.name}",
            what=lambda told: f"{_passed(told, one.name):,} events pass, {len(one.columns)} columns",
            times={
                Place(ORIGINAL, ONE): at("Snapshot"),
                Place(ORIGINAL, THREADS): at("Snapshot, 2 threads"),
                Place(BEST, ONE): at("Snapshot, other branches off"),
                Place(BEST, THREADS): at("Snapshot, other branches off, 2 threads"),
                Place(HEPCOL, ONE): at(skim.HERE),
                Place(HEPCOL, WORKERS): at(skim.TWO),
            },
            notes={
                **dict.fromkeys((Place(ORIGINAL, ONE), Place(ORIGINAL, THREADS)), "`Snapshot`"),
                **dict.fromkeys((Place(BEST, ONE), Place(BEST, THREADS)), "`Snapshot`, other branches switched off"),
            },
            absent={COFFEA: "coffea writes no skims by itself"},
        )

    return [task(skim.ZEE), task(skim.STOP4B)]


def _passed(told: Told, name: str) -> int:
    events: int = next(one["samples"][0]["events"] for one in told["subjects"] if one["input"] == name)
    return events


def _chunks() -> list[Task]:
    from benchmarks import chunk_subjects

    absent = dict.fromkeys((ORIGINAL, BEST, OWN), "RDataFrame has no chunks")
    return [
        Task(
            key="chunks",
            comparison="chunks",
            title="small chunks",
            what=lambda told: f"{chunk_subjects.CHUNKS} chunks of {told['events'] // chunk_subjects.CHUNKS:,} events",
            unit="s of CPU",
            times={Place(COFFEA, ONE): _of("coffea", "process_s"), Place(HEPCOL, ONE): _of("hepcol", "process_s")},
            absent=absent,
        ),
        Task(
            key="chunks without work",
            comparison="chunks",
            title="chunks without work",
            what=f"{chunk_subjects.NO_OPS} chunks on one Dask worker",
            times={
                Place(COFFEA, ONE): _of("coffea-no-op", "total_s"),
                Place(HEPCOL, ONE): _of("hepcol-no-op", "total_s"),
            },
            notes={Place(COFFEA, ONE): "coffea's own DaskExecutor"},
            absent=absent,
        ),
    ]


@functools.cache
def tasks() -> tuple[Task, ...]:
    """All tasks, in the order of their rows."""
    return (_zee(), *_zee_atlas(), *_egamma(), *_stop4b(), *_graphs(), *_skim(), *_chunks())
