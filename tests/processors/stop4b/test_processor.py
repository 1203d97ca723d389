"""The processor on flat trees and on objects: equal yields, equal bits for any chunks and executor."""

import shutil

import numpy as np
import pytest
import uproot

import hepcol
from hepcol.errors import InputError
from processors.stop4b import Stop4bProcessor
from processors.stop4b.selection import read_selection
from processors.stop4b.systematics import FAKES, KINEMATIC, WEIGHT
from samples.catalogue import STOP4B_DATA, STOP4B_FLAT, STOP4B_OBJECTS
from samples.stop4b.sample import flatten

FLAT = {sample.path.stem: sample.path for sample in STOP4B_FLAT}
OBJECTS = {sample.path.stem: sample.path for sample in STOP4B_OBJECTS}
SOME = "JET_GroupedNP_1__1up"


@pytest.fixture(scope="session")
def both_forms(tmp_path_factory):
    """The same 1200 signal events as flat trees and as objects."""
    folder = tmp_path_factory.mktemp("stop4b") / "mc16a"
    folder.mkdir()
    flatten(OBJECTS["signal_400_320"], folder / "signal_400_320.root")
    return folder / "signal_400_320.root", OBJECTS["signal_400_320"]


@pytest.fixture(scope="module")
def of_trees(both_forms):
    """The run over the flat trees, with the cuts of the search."""
    return run(both_forms[0])


@pytest.fixture(scope="session")
def loose(tmp_path_factory):
    """Regions with many events, and cuts on every kind of column."""
    path = tmp_path_factory.mktemp("stop4b-selection") / "loose.yaml"
    path.write_text(
        """
preselection:
  - {label: cleaning, column: passBadEvents, equal: true}
regions:
  rows:
    cuts: [{label: two leptons, column: nlep, at_least: 2}]
  leptons:
    cuts:
      - {label: sorts, column: IFFTypeLep1, equal: [2, 4, 7]}
      - {label: pT, column: lep2pT, at_least: 6, at_most: 20}
      - {label: opposite, column: isOS, equal: true}
      - {label: eta, column: lep1eta, above: -1.5, below: 1.5}
  missing:
    cuts:
      - {label: MET, column: MET, above: 250}
      - {label: significance, column: METsig, above: 12}
      - {label: boost, column: dphi_boost, below: 0.05}
      - {label: distance, column: minDRl2j, above: 0.8}
  jets:
    cuts:
      - {label: tagged, column: nbjet, equal: 1}
      - {label: fourth, column: jet4pT, above: 25}
      - {label: ratio, column: R2l4j, above: 0.3}
      - {label: mass, column: mll, below: 40}
"""
    )
    return str(path)


def run(*files, chunksize=None, options=None, **how):
    return hepcol.run(Stop4bProcessor(**(options or {})), [str(file) for file in files], chunksize=chunksize, **how)


def yields(done, *datasets):
    """Entries, sums of weights and of squares by campaign, region and variation, of all datasets or of some."""
    found = {}
    for name, part in done.result.items():
        if datasets and name not in datasets:
            continue
        histogram = part.histograms["yields"]
        campaigns, regions, variations = ([*axis] for axis in histogram.axes)
        for (c, r, v), entries in np.ndenumerate(histogram.counts):
            sums = histogram.weights.value[c, r, v], histogram.squares.value[c, r, v]
            found[campaigns[c], regions[r], variations[v]] = (int(entries), *map(float, sums))
    return found


@pytest.mark.parametrize("selection", ["", "loose"])
def test_both_forms_have_equal_yields_in_all_variations(both_forms, of_trees, loose, selection):
    options = {"selection": loose if selection else ""}
    flat = run(both_forms[0], options=options) if selection else of_trees
    objects = run(both_forms[1], options=options)
    of_flat, of_objects = yields(flat), yields(objects)
    assert of_flat == of_objects
    assert len(of_flat) == 3 * (4 if selection else 2) * (1 + 40 + 42)
    entries = [one[0] for key, one in of_flat.items() if key[0] == "mc16a"]
    if selection:
        assert min(entries) > 5
        assert len(set(entries)) > 20, "the variations differ"


def test_the_cutflows_and_distributions_of_both_forms_are_equal(both_forms, loose):
    options = {"selection": loose, "systematics": False}
    flat, objects = (run(file, options=options).result for file in both_forms)
    mine, theirs = flat["signal_400_320_WEIGHTS"].histograms, objects["signal_400_320"].histograms
    by_variation = ("yields", "entries", "trees")
    names = [name for name in mine if name not in by_variation]
    assert names == [name for name in theirs if name not in by_variation]
    assert len(names) > 8
    for name in names:
        assert np.array_equal(mine[name].counts, theirs[name].counts), name
        if mine[name].weights is not None:
            assert np.array_equal(mine[name].weights.limbs, theirs[name].weights.limbs), name


def plain_yields(path, tree, table, weight):
    """Cut event by event in plain Python."""
    with uproot.open(path) as file:
        rows = file[tree].arrays(library="np")
    found = {}
    for region in table.regions:
        entries, total = 0, 0.0
        for row in range(len(rows["MET"])):
            values = {cut.column: float(rows[cut.column][row]) for cut in region.cuts}
            passes = all(
                (cut.above is None or values[cut.column] > cut.above)
                and (cut.at_least is None or values[cut.column] >= cut.at_least)
                and (cut.below is None or values[cut.column] < cut.below)
                and (not cut.equal or values[cut.column] in cut.equal)
                for cut in region.cuts
            )
            if passes:
                entries += 1
                total += weight({name: float(rows[name][row]) for name in rows})
        found[region.name] = entries, total
    return found


@pytest.mark.parametrize(
    ("variation", "weight"),
    [
        ("nominal", lambda of: of["weight"] * of["WeightEventsbTag"] * of["WeightEventsPU"]),
        (
            "WeightEventsbTag_FT_EFF_B_systematics__1up",
            lambda of: of["weight"] * of["WeightEventsbTag_FT_EFF_B_systematics__1up"] * of["WeightEventsPU"],
        ),
        (
            "WeightEventsPU_PRW_DATASF__1down",
            lambda of: of["weight"] * of["WeightEventsbTag"] * of["WeightEventsPU_PRW_DATASF__1down"],
        ),
        (
            "WeightEventsmuSF_MUON_EFF_RECO_SYS_LOWPT__1up",
            lambda of: (
                of["weight"]
                * of["WeightEventsbTag"]
                * of["WeightEventsPU"]
                * of["WeightEventsmuSF_MUON_EFF_RECO_SYS_LOWPT__1up"]
                / of["WeightEventsmuSF"]
            ),
        ),
        (SOME, lambda of: of["weight"] * of["WeightEventsbTag"] * of["WeightEventsPU"]),
    ],
)
def test_yields_are_those_of_plain_python(both_forms, of_trees, variation, weight):
    flat, _ = both_forms
    tree = f"signal_400_320_{SOME if variation == SOME else 'WEIGHTS'}"
    expected = plain_yields(flat, tree, read_selection(), weight)
    found = yields(of_trees)
    for region, (entries, total) in expected.items():
        assert entries > 0
        assert found["mc16a", region, variation][0] == entries
        assert found["mc16a", region, variation][1] == pytest.approx(total, rel=1e-13)


@pytest.fixture(scope="module")
def in_one_piece(tmp_path_factory, loose):
    """Files, options, and the output of a run whose chunks are whole files."""
    files, options = (FLAT["ttbar"], OBJECTS["signal_400_320"]), {"selection": loose}
    folder = tmp_path_factory.mktemp("stop4b") / "one"
    run(*files, options=options, output=folder)
    return files, options, folder


@pytest.mark.parametrize(
    "how",
    [
        {"chunksize": 97},
        {"chunksize": 150, "executor": "futures", "workers": 2},
    ],
)
def test_the_bits_do_not_depend_on_chunks_and_executors(tmp_path, in_one_piece, how, request):
    if how.get("executor") == "futures":
        request.getfixturevalue("shared_pool")
    files, options, folder = in_one_piece
    run(*files, options=options, output=tmp_path / "two", **how)
    for name in ("histograms.zip", "histograms.root"):
        assert (folder / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_bits_do_not_depend_on_dask(tmp_path, in_one_piece, scheduler):
    files, options, folder = in_one_piece
    run(*files, options=options, output=tmp_path / "two", chunksize=101, scheduler=scheduler)
    assert (folder / "histograms.zip").read_bytes() == (tmp_path / "two" / "histograms.zip").read_bytes()


def test_the_cutflow_counts_what_is_left_after_each_cut(both_forms):
    flat, _ = both_forms
    part = run(flat, options={"systematics": False}).result["signal_400_320_WEIGHTS"]
    for region in read_selection().regions:
        histogram = part.histograms[f"cutflow_{region.name}"]
        entries = histogram.counts[0]
        assert [*histogram.axes[1]] == ["rows of the tree", *(cut.label for cut in region.cuts)]
        assert entries[0] == part.events
        assert entries[-1] == part.cutflow[region.name] > 0
        assert np.all(np.diff(entries) <= 0)
        with uproot.open(flat) as file:
            rows = file["signal_400_320_WEIGHTS"].arrays(library="np")
        passed = np.ones(part.events, dtype=bool)
        weight = rows["weight"] * rows["WeightEventsbTag"].astype(float) * rows["WeightEventsPU"].astype(float)
        for step, cut in enumerate(region.cuts):
            passed &= cut.passed(rows[cut.column])
            assert entries[step + 1] == passed.sum()
            assert histogram.weights.value[0, step + 1] == pytest.approx(weight[passed].sum(), rel=1e-12)
            assert histogram.squares.value[0, step + 1] == pytest.approx((weight[passed] ** 2).sum(), rel=1e-12)


def test_a_distribution_has_all_cuts_but_those_on_itself(both_forms):
    flat, _ = both_forms
    part = run(flat, options={"systematics": False}).result["signal_400_320_WEIGHTS"]
    with uproot.open(flat) as file:
        rows = file["signal_400_320_WEIGHTS"].arrays(library="np")
    for number, region in enumerate(read_selection().regions):
        passed = np.ones(part.events, dtype=bool)
        for cut in region.cuts:
            if cut.column != "R2l":
                passed &= cut.passed(rows[cut.column])
        histogram = part.histograms["all_but_R2l"]
        assert histogram.counts[0, number].sum() == passed.sum() > part.cutflow[region.name]


def test_data_count_one_and_have_no_variations():
    part = run(STOP4B_DATA.path).result["data15_NONE"]
    histogram = part.histograms["yields"]
    assert [*histogram.axes[2]] == ["nominal"]
    assert np.array_equal(histogram.weights.value, histogram.counts)


def test_fakes_need_no_signal_leptons_and_have_their_factor():
    done = run(FLAT["Fakes"])
    variations = [*done.result["Fakes_WEIGHTS"].histograms["yields"].axes[2]]
    names = [one.name for systematic in (*WEIGHT, *FAKES) for one in systematic.variations]
    assert variations == ["nominal", *names]
    labels = [*done.result["Fakes_WEIGHTS"].histograms["cutflow_Stop4b_SRB"].axes[1]]
    assert "leading is prompt" not in labels
    assert "leading is signal lepton" not in labels

    def weight(of):
        return of["weight"] * of["WeightEventsbTag"] * of["WeightEventsPU"] * of["fakeWeight"]

    table = read_selection()
    regions = tuple(region.of("fakes") for region in table.regions)
    expected = plain_yields(FLAT["Fakes"], "Fakes_WEIGHTS", type(table)(regions), weight)
    found = yields(done)
    for region, (entries, total) in expected.items():
        assert found["mc16a", region, "nominal"][:2] == (entries, pytest.approx(total, rel=1e-13))


def without(path, folder, leave_out=lambda name: False, change=None):
    """Copy a flat file without some of its trees, and with changed columns."""
    folder.mkdir(exist_ok=True)
    with uproot.open(path) as file, uproot.recreate(folder / path.name) as copy:
        for name in file.keys(cycle=False):
            if name == "hepcol_sample" or leave_out(name):
                continue
            columns = file[name].arrays(library="np")
            columns = change(name, columns) if change else columns
            copy.mktree(name, {key: column.dtype for key, column in columns.items()})
            copy[name].extend(columns)
    return folder / path.name


def nominal_only(name):
    return not name.endswith(("_WEIGHTS", SOME))


def test_a_missing_tree_is_an_error_that_names_it(tmp_path):
    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only)
    with pytest.raises(InputError, match=r"ttbar\.root: no tree 'ttbar_EG_RESOLUTION_ALL__1up' and 38 more"):
        run(file)


def test_a_missing_tree_may_be_replaced_by_the_nominal_one_which_is_told(tmp_path):
    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only)
    done = run(file, options={"missing": "nominal"}, output=tmp_path / "out")
    found = yields(done)
    assert found["mc16a", "Stop4b_SRB", "EG_SCALE_ALL__1up"] == found["mc16a", "Stop4b_SRB", "nominal"]
    told = [warning for warning in done.summary["warnings"] if "the nominal one is taken in its place" in warning]
    assert len(told) == 39
    assert any("no tree 'ttbar_EG_SCALE_ALL__1up'" in warning for warning in told)


MISSING = "WeightEventsJVT_JET_JvtEfficiency__1up"


@pytest.fixture(scope="module")
def without_a_weight(tmp_path_factory):
    def drop(name, columns):
        columns.pop(MISSING, None)
        return columns

    return without(FLAT["ttbar"], tmp_path_factory.mktemp("stop4b") / "mc16a", change=drop)


def test_a_missing_weight_is_an_error_that_names_it(without_a_weight):
    with pytest.raises(InputError, match=rf"tree 'ttbar_WEIGHTS' has no column '{MISSING}'; option missing=nominal"):
        run(without_a_weight)


def test_a_missing_weight_may_be_replaced_by_the_nominal_one_which_is_told(without_a_weight):
    done = run(without_a_weight, options={"missing": "nominal"})
    found = yields(done)
    assert found["mc16a", "Stop4b_SRB", MISSING] == found["mc16a", "Stop4b_SRB", "nominal"]
    assert any(MISSING in warning for warning in done.summary["warnings"])


def test_a_scale_factor_of_zero_gives_no_infinite_weight_and_is_counted(tmp_path, both_forms):
    def zero(name, columns):
        columns["WeightEventselSF"] = np.zeros_like(columns["WeightEventselSF"])
        return columns

    file = without(both_forms[0], tmp_path / "mc16a", nominal_only, change=zero)
    done = run(file, options={"missing": "nominal"})
    found = yields(done)
    variation = "WeightEventselSF_EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR__1up"
    assert found["mc16a", "Stop4b_SRB", variation] == found["mc16a", "Stop4b_SRB", "nominal"]
    part = done.result["signal_400_320_WEIGHTS"]
    passing = {region: part.cutflow[region] for region in ("Stop4b_SRA", "Stop4b_SRB")}
    assert part.tallies["scale factor of 0"] == sum(passing.values()) > 0


def test_a_stored_variable_that_is_another_one_is_counted(tmp_path):
    def wrong(name, columns):
        columns["R2l"][::2] *= np.float32(1.01)
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=wrong)
    part = run(file, options={"systematics": False}).result["ttbar_WEIGHTS"]
    differing = {name: count for name, count in part.tallies.items() if count}
    assert list(differing) == ["stored R2l differs"]
    assert differing["stored R2l differs"] > 10


def test_an_unknown_campaign_is_named(tmp_path):
    def wrong(name, columns):
        columns["campaign"][:] = 7
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=wrong)
    with pytest.raises(Exception, match=r"campaign 7 in \d+ events; accepted are 0"):
        run(file, options={"systematics": False})


def test_a_weight_that_is_no_number_is_named(tmp_path):
    def wrong(name, columns):
        columns["WeightEventsPU"][3] = np.nan
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=wrong)
    with pytest.raises(Exception, match="weight nan"):
        run(file, options={"systematics": False})


def test_a_file_that_cannot_be_read_is_accounted_for(tmp_path):
    (tmp_path / "mc16a").mkdir()
    broken = tmp_path / "mc16a" / "Wt.root"
    broken.write_bytes(FLAT["Wt"].read_bytes()[:5000])
    shutil.copy(FLAT["ttbar"], tmp_path / "mc16a")
    done = run(broken, tmp_path / "mc16a" / "ttbar.root", allow_incomplete=True)
    assert not done.closure.complete
    assert done.closure.unknown_files == 1 + sum(len(systematic.variations) for systematic in KINEMATIC)


def test_a_missing_scale_factor_takes_its_variations_along(tmp_path):
    def drop(name, columns):
        columns.pop("WeightEventselSF", None)
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=drop)
    with pytest.raises(InputError, match="has no column 'WeightEventselSF'"):
        run(file)
    done = run(file, options={"missing": "nominal"})
    found = yields(done)
    variation = "WeightEventselSF_EL_EFF_ID_TOTAL_1NPCOR_PLUS_UNCOR__1up"
    assert found["mc16a", "Stop4b_SRB", variation] == found["mc16a", "Stop4b_SRB", "nominal"]
    assert any("WeightEventselSF_EL_EFF_ID" in warning for warning in done.summary["warnings"])


def test_a_factor_of_the_nominal_weight_has_to_be_there(tmp_path):
    def drop(name, columns):
        columns.pop("WeightEventsPU", None)
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=drop)
    with pytest.raises(InputError, match=r"has no column 'WeightEventsPU'$"):
        run(file, options={"missing": "nominal"})


@pytest.mark.parametrize("column", ["minDRl2j", "R2l", "MET"])
def test_what_is_not_a_number_is_named_and_not_lost(tmp_path, column):
    def wrong(name, columns):
        columns[column][5] = np.nan
        return columns

    file = without(FLAT["ttbar"], tmp_path / "mc16a", nominal_only, change=wrong)
    with pytest.raises(Exception, match=rf"tree 'ttbar_WEIGHTS': {column} is not a number \(NaN\) in 1 of"):
        run(file, options={"systematics": False})


def test_a_file_in_the_folder_of_another_campaign_is_named(tmp_path):
    (tmp_path / "mc16d").mkdir()
    shutil.copy(FLAT["ttbar"], tmp_path / "mc16d" / "ttbar.root")
    with pytest.raises(Exception, match=r"campaign 0 in .* events of a file in the folder mc16d"):
        run(tmp_path / "mc16d" / "ttbar.root", options={"systematics": False})
