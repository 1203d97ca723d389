"""The Z -> ee study in versions of RDataFrame that are timed against hepcol; ``benchmarks/README.md`` tells them."""

import time

STARTED = time.time()  # before ROOT is loaded, as all other imports do

import json
import os
import resource
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import interpreted
import library
import numpy as np
import numpy.typing as npt
from cluster import local_cluster
from pairs import ELECTRONS, GENERATOR, ORIGINAL, ROOT
from reference import SMEARED, counts_of, stream_key, uuid_of

VERSIONS = ("original", "columns", "best", "flat", "action", "action-flat", "equal", "equal-flat")
ON_FLAT_FILES = ("flat", "action-flat", "equal-flat")
FROM_STRINGS = ("original", "columns")  # RDataFrame compiles them while it runs
DESCRIPTION = "study"  # of a flat file: name of the object that tells what it was made from
N_CELLS = 52


@dataclass(frozen=True)
class Study:
    """What is to be run.

    Parameters
    ----------
    path : Path
        File of events, or a flat file.
    version, electrons : str
        Of ``VERSIONS`` and ``ELECTRONS``.
    variations : int
        Number of smearings.
    sigma : float
        Absolute energy resolution [GeV].
    seed : int
        Seed of the smearing.
    """

    path: Path
    version: str
    electrons: str
    variations: int
    sigma: float
    seed: int

    @property
    def is_flat(self) -> bool:
        return self.version in ON_FLAT_FILES

    @property
    def is_compiled_ahead(self) -> bool:
        return self.version not in FROM_STRINGS

    @property
    def algorithm(self) -> str:
        """How a version that is compiled ahead counts, as ``study.cpp`` names it."""
        name = self.version.removesuffix("-flat")
        return "histograms" if name in ("best", "flat") else name

    @property
    def has_action(self) -> bool:
        return self.is_compiled_ahead and self.algorithm != "histograms"


@dataclass
class Timed:
    """What a run found, and how long its parts took [s]."""

    counts: dict[str, npt.NDArray[np.int64]]
    cutflow: dict[str, int]
    compile_s: float
    loop_s: float


def run_compiled(study: Study, path_of_library: Path) -> Timed:
    """Run a pass that is compiled ahead, in this process."""
    start = time.perf_counter()
    loaded = library.load(path_of_library)
    compiled = time.perf_counter() - start
    cutflow, uuid = _described(study)
    counts, passed, loop = library.run(loaded, _options(study, uuid), N_CELLS)
    return Timed(
        {name: np.ascontiguousarray(counts[:, k]) for k, name in enumerate(SMEARED)},
        cutflow or dict(zip(_steps(study.electrons), passed, strict=True)),
        compiled,
        loop,
    )


def run_interpreted(study: Study, client: Any, path_of_library: Path | None) -> Timed:
    """Run a pass that RDataFrame compiles, in this process or on a cluster."""
    start = time.perf_counter()
    threads = ROOT.GetThreadPoolSize() if ROOT.IsImplicitMTEnabled() else 1
    header = Path(__file__).with_name("values.hpp" if study.is_compiled_ahead else f"{study.version}.hpp")
    setting = (str(header), str(path_of_library) if path_of_library else None, study.seed, threads)
    if client is None:
        interpreted.set_up(*setting, distributed=False)
        frame = ROOT.RDataFrame(_tree(study), str(study.path))
    else:
        ROOT.RDF.Distributed.initialize(interpreted.set_up, *setting, distributed=True)
        frame = ROOT.RDataFrame(_tree(study), str(study.path), executor=client)
    histograms, frames = _book(study, frame)
    counted = [frame.Count() for frame in frames]
    if client is None:
        ROOT.RDF.SaveGraph(frame)  # which compiles everything booked; else the event loop would, in its time
    compiled = time.perf_counter()
    passed = [int(count.GetValue()) for count in counted]
    loop = time.perf_counter() - compiled
    counts = {
        name: np.stack([counts_of(one) for one in booked]) if isinstance(booked, list) else counts_of(booked)[1:-1]
        for name, booked in histograms.items()
    }
    cutflow, _ = _described(study)
    return Timed(counts, cutflow or dict(zip(_steps(study.electrons), passed, strict=True)), compiled - start, loop)


def _book(study: Study, frame: Any) -> tuple[dict[str, Any], list[Any]]:
    """Book the histograms; return them and the frames of the cutflow."""
    options = (frame, study.electrons, study.variations, study.sigma)
    if study.version == "original":
        return interpreted.book_original(*options)
    if study.version == "columns":
        return interpreted.book_columns(*options)
    return interpreted.book_best(*options, flat=study.is_flat)


def prepare(study: Study, flat: Path, path_of_library: Path) -> None:
    """Write the pairs to a flat file."""
    uuid = uuid_of(study.path)
    passed = library.prepare(library.load(path_of_library), _options(study, uuid), flat)
    description = {
        "electrons": study.electrons,
        "cutflow": dict(zip(_steps(study.electrons), passed, strict=True)),
        "uuid": uuid,
    }
    file = ROOT.TFile.Open(str(flat), "UPDATE")
    file.WriteObject(ROOT.TNamed(DESCRIPTION, json.dumps(description)), DESCRIPTION)
    file.Close()


def _described(study: Study) -> tuple[dict[str, int] | None, str]:
    """Cutflow of a flat file, which has the selected events alone; and the UUID of the events, if it is needed."""
    if not study.is_flat:
        return None, uuid_of(study.path) if study.version == "equal" else ""
    file = ROOT.TFile.Open(str(study.path))
    found = file.Get(DESCRIPTION)
    if not found:
        raise click.UsageError(f"{study.path} is not a flat file: make one with --prepare")
    description = json.loads(str(found.GetTitle()))
    file.Close()
    if description["electrons"] != study.electrons:
        raise click.UsageError(f"{study.path} has the pairs of {description['electrons']}, not of {study.electrons}")
    return description["cutflow"], description["uuid"]


def _options(study: Study, uuid: str) -> library.Options:
    """Arguments of the compiled passes."""
    if study.electrons == ORIGINAL:
        streams = [f"zee.original.{name}" for name in SMEARED]
    else:
        streams = ["zee.energy"] * len(SMEARED)
    return library.Options(
        path=str(study.path).encode(),
        electrons=study.electrons.encode(),
        algorithm=study.algorithm.encode(),
        flat=study.is_flat,
        variations=study.variations,
        sigma=study.sigma,
        seed=study.seed,
        keys=tuple(stream_key(study.seed, stream, uuid) for stream in streams),
    )


def _tree(study: Study) -> str:
    return "pairs" if study.is_flat else "events"


def _steps(electrons: str) -> tuple[str, str, str]:
    """Names of the steps of the selection."""
    several = "at least two particles" if electrons == ORIGINAL else "at least two electrons"
    return "all events", several, "opposite-charge pair"


def measure(
    study: Study, threads: int | None, workers: int | None, path_of_library: Path | None
) -> tuple[dict[str, Any], Timed]:
    """Run a version and report what it took."""
    if threads:
        ROOT.EnableImplicitMT(threads)
    cpu = _cpu()
    start = time.perf_counter()
    with local_cluster(workers) as client:
        cluster_s = time.perf_counter() - start
        start = time.perf_counter()
        with redirect_stdout(sys.stderr):  # where Dask draws a progress bar
            if study.is_compiled_ahead and client is None:
                found = run_compiled(study, path_of_library)
            else:
                found = run_interpreted(study, client, path_of_library)
        total = time.perf_counter() - start
        peaks = [_peak(), *(client.run(_peak).values() if client else ())]
    report = {
        "version": study.version,
        "electrons": study.electrons,
        "variations": study.variations,
        "mode": "dask" if workers else "threads" if threads else "serial",
        "workers": workers or threads or 1,
        "root": str(ROOT.gROOT.GetVersion()),
        "events": list(found.cutflow.values())[-1],
        "compile_s": found.compile_s,
        "total_s": total,
        "loop_s": found.loop_s,
        "cpu_s": _cpu() - cpu,
        "peak_mb": max(peaks),
        "m_ee": _moments(found.counts["m_ee"][0]),
        "cutflow": found.cutflow,
        "entries": {name: int(cells.sum()) for name, cells in found.counts.items()},
    }
    if workers:
        report["cluster_s"] = cluster_s
    return report, found


def _cpu() -> float:
    """User and system time of this process and of the children that have ended [s]."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak() -> float:
    """Peak resident memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _moments(counts: npt.NDArray[np.int64]) -> list[float]:
    """Mean and standard deviation of a histogram of masses, from the bin centres."""
    bins, low, high = SMEARED["m_ee"]
    centres = low + (np.arange(bins) + 0.5) * (high - low) / bins
    entries = counts[1:-1]
    mean = np.average(centres, weights=entries)
    return [float(mean), float(np.sqrt(np.average((centres - mean) ** 2, weights=entries)))]


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path))
@click.option("--version", type=click.Choice(VERSIONS), default="best", show_default=True)
@click.option("--electrons", type=click.Choice(ELECTRONS), default=GENERATOR, show_default=True)
@click.option("--variations", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--sigma", type=click.FloatRange(min=0, min_open=True), default=2.0, help="Resolution [GeV].")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="ROOT's implicit multi-threading.")
@click.option("--dask", "workers", type=click.IntRange(min=1), help="Worker processes of a local Dask cluster.")
@click.option("--prepare", "flat", type=click.Path(path_type=Path), help="Only write the flat file of the pairs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--counts", type=click.Path(path_type=Path), help="Write the entries as .npz.")
def main(
    path: Path,
    threads: int | None,
    workers: int | None,
    flat: Path | None,
    as_json: bool,
    counts: Path | None,
    **options: Any,
) -> None:
    """Time a version of the study on one file."""
    study = Study(path, **options)
    if threads and workers:
        raise click.UsageError("give either --threads or --dask")
    if workers and study.has_action:
        raise click.UsageError(f"{study.version} needs RDataFrame's Book, which distributed RDataFrame does not have")
    # original 72 s without, 59 s with; columns 52 s and 40 s. No gain beyond noise from -O3 -march=native
    os.environ.setdefault("EXTRA_CLING_ARGS", "-O2")
    ROOT.gInterpreter.ProcessLine(";")
    ROOT.gErrorIgnoreLevel = ROOT.kError  # one warning for each class without dictionary
    started = time.time() - float(os.environ.get("HEPCOL_BENCHMARK_STARTED", STARTED))
    built, build_s = library.build() if study.is_compiled_ahead or flat else (None, None)
    if flat:
        prepare(study, flat, built)
        return
    report, found = measure(study, threads, workers, built)
    report["start_s"] = started
    if build_s is not None:
        report["build_s"] = build_s
    if counts:
        np.savez_compressed(counts, allow_pickle=False, **found.counts)
    if as_json:
        click.echo(json.dumps(report))
    else:
        for key, value in report.items():
            click.echo(f"{key:12}{value:.3f}" if isinstance(value, float) else f"{key:12}{value}")


if __name__ == "__main__":
    main()
