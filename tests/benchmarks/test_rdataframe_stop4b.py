"""The stop 4-body analysis in RDataFrame against plain numpy on the same rows, and its modes against each other."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import uproot
import yaml

import hepcol
from benchmarks.stop4b import differences
from benchmarks.stop4b_subjects import yields as yields_of
from processors.stop4b import Stop4bProcessor
from samples.stop4b.files import read_objects
from samples.stop4b.flat import make_rows

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "benchmarks" / "rdataframe" / "stop4b.py"
SHIPPED = CHECKOUT / "samples" / "data" / "stop4b" / "flat"
FLAT = {name: SHIPPED / "mc16a" / f"{name}.root" for name in ("Wt", "Fakes")} | {"Data": SHIPPED / "data15.root"}
OBJECTS = SHIPPED.parent / "objects" / "mc16a" / "Wt.root"
CUTS = CHECKOUT / "processors" / "stop4b" / "selection.yaml"

KINEMATIC = ("EG_SCALE_ALL__1up", "MET_SoftTrk_ResoPara", "JET_JER_EffectiveNP_7restTerm__1up")
WEIGHTS = (  # a ratio, one that replaces a factor of the weight, and one of fakes alone
    "WeightEventselSF_EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR__1down",
    "WeightEventsPU_PRW_DATASF__1up",
    "fakeWeight_statUp",
)
N_VARIATIONS = {"Wt": 1 + 40 + 42, "Fakes": 1 + 40 + 42 + 6, "Data": 1}

# Cuts in the middle of what small files have, so that a change of half a percent shows; regions overlap, and not all
# ask the same columns.
LOOSE = """
preselection:
  - {column: passBadEvents, equal: true}
  - {column: nlep, at_least: 2}
  - {column: isSignalLep1, equal: true, samples: [prompt, data]}
  - {column: IFFTypeLep1, equal: [0, 1, 2, 3, 4, 6, 7, 11], samples: [prompt]}
  - {column: mll, above: 30}
regions:
  momenta:
    cuts: [{column: R2l, above: 2}, {column: MET, above: 220}, {column: jet1pT, above: 200}]
  significance:
    cuts: [{column: R2l, at_least: 1}, {column: MET, above: 200, at_most: 400}, {column: METsig, above: 13.5}]
  angles:
    cuts:
      - {column: R2l, above: 1}
      - {column: MET, above: 210}
      - {column: pbll, at_least: 250}
      - {column: minDRl2j, above: 1.5}
      - {column: isOS, equal: true}
  ratios:
    cuts:
      - {column: R2l, above: 1.5}
      - {column: MET, above: 200}
      - {column: R2l4j, above: 0.33}
      - {column: lep1pT, below: 90}
      - {column: lep2pT, below: 40}
      - {column: nbjet, equal: [0, 1]}
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What each run printed."""
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        pytest.skip("there is no C++ compiler")
    cuts = tmp_path_factory.mktemp("stop4b") / "cuts.yaml"
    cuts.write_text(LOOSE)
    loose, few = ("--selection", cuts), ("--variations", ",".join(("nominal", *KINEMATIC[:2], *WEIGHTS)))
    commands = {  # those that may have to be compiled for long come first
        "objects": (OBJECTS, "--mode", "objects", *loose),
        "compiled": (*FLAT.values(), "--mode", "compiled", *loose, "--threads", "2"),
        "best": (*FLAT.values(), "--mode", "best", *loose),
        "original": (*FLAT.values(), "--mode", "original", *loose, *few),
        "search": (SHIPPED, "--mode", "best", "--variations", "nominal"),
        "dask": (FLAT["Wt"], "--mode", "dask", *loose, "--variations", ",".join(KINEMATIC)),
    }
    with ThreadPoolExecutor(3) as pool:
        done = dict(zip(commands, pool.map(run, commands.values()), strict=True))
    for one in done.values():
        assert one.returncode == 0, one.stderr
    return {name: json.loads(one.stdout.splitlines()[-1]) for name, one in done.items()}


def run(arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("sample", FLAT)
@pytest.mark.parametrize("mode", ["best", "compiled"])
def test_yields_are_those_of_the_rows_of_the_trees(found, mode, sample):
    yields = found[mode]["yields"][sample]
    assert len(yields) == N_VARIATIONS[sample]
    with uproot.open(FLAT[sample]) as file:
        for variation in ("nominal", *(KINEMATIC if sample != "Data" else ())):
            suffix = variation if variation != "nominal" else "NONE" if sample == "Data" else "WEIGHTS"
            rows = file[f"{sample}_{suffix}"].arrays(library="np")
            assert_near(yields[variation], evaluate(rows, sample, yaml.safe_load(LOOSE), weigh(rows, sample)))
            if variation == "nominal":
                for name in set(yields) & set(rows):
                    expected = evaluate(rows, sample, yaml.safe_load(LOOSE), weigh(rows, sample, name))
                    assert_near(yields[name], expected)


def test_objects_have_the_yields_of_the_rows_that_samples_make_of_them(found):
    yields = found["objects"]["yields"]["Wt"]
    trees = dict(make_rows(read_objects(OBJECTS), "Wt"))
    assert len(trees) == 41
    assert len(yields) == N_VARIATIONS["Wt"]
    for tree, rows in trees.items():
        suffix = tree.removeprefix("Wt_")
        variation = "nominal" if suffix == "WEIGHTS" else suffix
        assert_near(yields[variation], evaluate(rows, "Wt", yaml.safe_load(LOOSE), weigh(rows, "Wt")))
    nominal = trees["Wt_WEIGHTS"]
    for name in set(yields) & set(nominal):
        assert_near(yields[name], evaluate(nominal, "Wt", yaml.safe_load(LOOSE), weigh(nominal, "Wt", name)))
    assert yields["JET_Flavor_Response__1up"] != yields["nominal"]


def test_original_has_the_yields_of_best(found):
    for sample, yields in found["original"]["yields"].items():
        assert len(yields) == {"Data": 1, "Wt": 5, "Fakes": 6}[sample]
        for variation in yields:
            assert_near(found["best"]["yields"][sample][variation], yields[variation])


def test_cluster_has_the_yields_of_best(found):
    dask, best = found["dask"]["yields"]["Wt"], found["best"]["yields"]["Wt"]
    assert set(dask) == set(KINEMATIC)
    for variation, yields in dask.items():
        assert_near(yields, best[variation])


def test_cuts_of_the_search_give_the_yields_of_the_rows(found):
    cuts = yaml.safe_load(CUTS.read_text())
    yields = found["search"]["yields"]
    for sample, path in FLAT.items():
        tree = f"{sample}_{'NONE' if sample == 'Data' else 'WEIGHTS'}"
        paths = sorted(SHIPPED.glob("data*.root")) if sample == "Data" else [path]
        rows = uproot.concatenate([f"{one}:{tree}" for one in paths], library="np")
        assert_near(yields[sample]["nominal"], evaluate(rows, sample, cuts, weigh(rows, sample)))
    selected = [region[0] for variations in yields.values() for region in variations["nominal"].values()]
    assert sum(selected) > 0


def test_times_are_reported(found):
    for report in found.values():
        assert 0 < report["loop_s"] < report["total_s"]
        assert report["start_s"] < report["total_s"]


def test_unknown_variations_are_refused():
    done = run((FLAT["Wt"], "--variations", "nominal,JET_GroupedNP_4__1up"))
    assert done.returncode == 2
    assert "no variations JET_GroupedNP_4__1up" in done.stderr


def evaluate(rows, sample, cuts, weights):
    kind = "fakes" if sample == "Fakes" else "data" if sample == "Data" else "prompt"
    preselected = passes(rows, [cut for cut in cuts["preselection"] if kind in cut.get("samples", [kind])])
    yields = {}
    for name, region in cuts["regions"].items():
        w = weights[preselected & passes(rows, region["cuts"])]
        yields[name] = [len(w), w.sum(), np.square(w).sum()]
    return yields


def passes(rows, cuts):
    passed = np.ones(len(rows["MET"]), dtype=bool)
    for cut in cuts:
        value = rows[cut["column"]].astype(np.float64)
        if "above" in cut:
            passed &= value > cut["above"]
        if "at_least" in cut:
            passed &= value >= cut["at_least"]
        if "below" in cut:
            passed &= value < cut["below"]
        if "at_most" in cut:
            passed &= value <= cut["at_most"]
        if "equal" in cut:
            passed &= np.isin(value, cut["equal"])
    return passed


def weigh(rows, sample, varied=None):
    if sample == "Data":
        return np.ones(len(rows["MET"]))
    product = ["weight", "WeightEventsbTag", "WeightEventsPU"] + ["fakeWeight"] * (sample == "Fakes")
    columns = {name: rows[name].astype(np.float64) for name in rows if "eight" in name}
    weight = np.prod([columns[name] for name in product], axis=0)
    if varied is None:
        return weight
    factor = varied.split("_")[0]
    if factor in product:
        return np.prod([columns[varied if name == factor else name] for name in product], axis=0)
    return weight * columns[varied] / columns[factor]  # no factor of a generated sample is 0


def assert_near(yields, expected):
    assert set(yields) == set(expected)
    for region, values in expected.items():
        assert yields[region][0] == values[0]
        np.testing.assert_allclose(yields[region][1:], values[1:], rtol=1e-12)


@pytest.mark.parametrize(("form", "mode"), [("flat", "best"), ("flat", "compiled"), ("objects", "objects")])
def test_hepcol_has_the_yields_of_rdataframe(found, tmp_path, form, mode):
    cuts = tmp_path / "cuts.yaml"
    cuts.write_text(LOOSE)
    files = [str(path) for path in (FLAT.values() if form == "flat" else (OBJECTS,))]
    done = hepcol.run(Stop4bProcessor(selection=str(cuts)), files)
    samples = {name: name.partition("_")[0].replace("data15", "Data") for name in done.result}
    ours = yields_of(done.result, samples)
    assert set(ours) == set(found[mode]["yields"])
    assert not list(differences(ours, found[mode]["yields"]))
    assert not list(differences(found[mode]["yields"], ours))
    entries = [numbers[0] for one in ours.values() for regions in one.values() for numbers in regions.values()]
    assert sum(entries) > 1000


def test_hepcol_has_the_yields_of_rdataframe_in_the_regions_of_the_search(found):
    done = hepcol.run(Stop4bProcessor(systematics=False), sorted(map(str, SHIPPED.glob("**/*.root"))))
    samples = {name: name.removesuffix("_WEIGHTS") for name in done.result if name.endswith("_WEIGHTS")}
    samples |= {name: "Data" for name in done.result if name not in samples}
    ours = yields_of(done.result, samples)
    theirs = {sample: {"nominal": one["nominal"]} for sample, one in found["search"]["yields"].items()}
    assert set(ours) == set(theirs)
    assert not list(differences(ours, theirs))
