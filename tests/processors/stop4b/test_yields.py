"""From the histograms of the event loop to yields with all systematics."""

import math

import hist
import pytest
from yield_inputs import (
    FAKE_WEIGHTS,
    L_OF,
    L_TOT,
    REGIONS,
    SRA,
    SRB,
    TREES,
    about,
    both,
    flat,
    full_sample,
    make,
    make_counts,
    make_trees,
    steps,
)

from hepcol.errors import InputError
from hepcol.inference.histfactory import build_workspace
from hepcol.inference.templates import FLOOR
from hepcol.report.yield_tables import cutflow_tables
from processors.stop4b.cutflows import CutflowStep, read_steps
from processors.stop4b.theory import Theory
from processors.stop4b.yields import make_tables


def tables_of(datasets, **more):
    """Make tables of (histograms, metadata) by dataset."""
    histograms, metadata = ({name: pair[k] for name, pair in datasets.items()} for k in (0, 1))
    return make_tables(histograms, metadata, **more)


def wt(**variations):
    """Trees of Wt: nominal events, and others by variation."""
    trees = {"WEIGHTS": flat(2.0, 10.0)} | {name: {name: events} for name, events in variations.items()}
    return {f"Wt_{name}": (make(events), about("Wt", component="Wt")) for name, events in trees.items()}


def totals(tables, sample, systematic=None):
    """Events by region, or pairs of them."""
    found = tables.samples[sample]
    if systematic is None:
        return {region: template.total for region, template in found.nominal.items()}
    return {region: tuple(side.total for side in pair) for region, pair in found.systematics[systematic].items()}


def notes(tables, kind):
    return [note for note in tables.notes if note.kind == kind]


@pytest.fixture(scope="module")
def everything():
    """Tables of all backgrounds, a signal and data, with all trees and weights."""
    histograms, metadata = {}, {}
    samples = {
        "ttbar": ((40, 300), (1.5, 8.2), "prompt"),
        "Wt": ((25, 214), (1.2, 2.3), "prompt"),
        "Zjets": ((12, 15), (0.4, 0.3), "prompt"),
        "VV": ((60, 200), (3.1, 4.0), "prompt"),
        "ttZ": ((30, 100), (0.2, 0.4), "prompt"),
        "Others": ((32, 30), (0.3, 0.5), "prompt"),
        "Fakes": ((20, 60), (5.1, 3.2), "fakes"),
        "signal_400_320": ((90, 500), (2.9, 16.2), "prompt"),
    }
    for seed, (name, (entries, events, kind)) in enumerate(samples.items()):
        found, told = full_sample(name, entries, events, seed, kind, is_fake=kind == "fakes")
        histograms |= found
        metadata |= told
    for period, numbers in (("data15", (3, 9)), ("data16", (7, 10))):
        histograms[period] = make_counts(both(*numbers))
        metadata[period] = about("Data", "data", component=period)
    ratios = {"Wt": {"DRvsDS": dict.fromkeys(REGIONS, (1.2, 0.8))}}
    return make_tables(histograms, metadata, theory=Theory(ratios), closure={SRB: 0.3})


def test_every_sample_has_every_systematic_in_every_region(everything):
    for name, sample in everything.samples.items():
        experimental = {key: found for key, found in sample.systematics.items() if "Fake" not in key}
        assert len(experimental) == 25 + 21 + (name == "Wt")
        assert all(set(by_region) == set(REGIONS) for by_region in experimental.values())
    assert not notes(everything, "no variation")
    assert not notes(everything, "unknown")


def test_samples_come_in_the_order_of_tables(everything):
    order = ["ttbar", "Wt", "Zjets", "VV", "ttZ", "Others", "Fakes", "signal_400_320"]
    assert list(everything.samples) == order
    assert everything.signals == ("signal_400_320",)


def test_the_statistical_model_takes_them(everything):
    pytest.importorskip("pyhf")
    yields = everything.to_yields()
    workspace = build_workspace(yields, "signal_400_320")
    assert yields.data == {SRA: 10, SRB: 19}
    assert yields.luminosity_error == 0.017
    assert workspace.warnings == ()
    parameters = {
        modifier["name"] for sample in workspace.spec["channels"][0]["samples"] for modifier in sample["modifiers"]
    }
    assert {"norm_ttbar", "norm_VV", "ErrSSFakeSRA", "compSystFakeErr", "DRvsDS", "lumi"} <= parameters


def test_bug_1_a_one_sided_systematic_has_a_low_side_in_every_region():
    tables = tables_of(wt(JET_JER_EffectiveNP_1__1up=both((26, 2.5), (190, 9.0))))
    assert totals(tables, "Wt", "JET_JER_EffectiveNP_1") == {
        SRA: pytest.approx((2.5, 1.5)),
        SRB: pytest.approx((9.0, 11.0)),
    }
    told = {note.region for note in notes(tables, "one-sided") if note.systematic == "JET_JER_EffectiveNP_1"}
    assert told == set(REGIONS)


def test_bug_1_low_is_clipped_by_region():
    tables = tables_of(wt(JET_JER_EffectiveNP_1__1up=both((60, 5.0), (210, 11.0))))
    assert totals(tables, "Wt", "JET_JER_EffectiveNP_1")[SRA] == pytest.approx((5.0, 0.0))
    assert totals(tables, "Wt", "JET_JER_EffectiveNP_1")[SRB] == pytest.approx((11.0, 9.0))


def test_the_side_that_is_missing_of_two_is_mirrored():
    tables = tables_of(wt(EG_SCALE_ALL__1down=both((24, 1.8), (199, 9.9))))
    assert totals(tables, "Wt", "EG_SCALE_ALL")[SRA] == pytest.approx((2.2, 1.8))


def test_bug_3_theory_systematics_are_their_own_and_have_no_error():
    ratios = {"VV": {"Scale": {SRA: (1.2, 0.9)}, "CKKW": {SRA: (1.1, 0.95)}, "QSF": {SRA: (1.02, 0.97)}}}
    tables = tables_of({"VV": (make(flat(3.0, 4.0)), about("VV"))}, theory=Theory(ratios))
    assert totals(tables, "VV", "Scale")[SRA] == pytest.approx((3.6, 2.7))
    assert totals(tables, "VV", "CKKW")[SRA] == pytest.approx((3.3, 2.85))
    assert totals(tables, "VV", "QSF")[SRA] == pytest.approx((3.06, 2.91))
    assert all(side.error == 0 for side in tables.samples["VV"].systematics["QSF"][SRA])


def test_bug_4_all_parts_and_years_of_the_fakes_are_added():
    parts = {
        "Fake_Wt": (make(flat(1.0, 2.0)), about("Fakes", "fakes")),
        "Fake_ttbar": (make(flat(0.5, 0.25)), about("Fakes", "fakes")),
        "Fake_data15": (make(flat(3.0 * L_TOT, 4.0 * L_TOT)), about("Fakes", "data-driven")),
        "Fake_data16": (make(flat(2.0 * L_TOT, 1.0 * L_TOT)), about("Fakes", "data-driven")),
    }
    assert totals(tables_of(parts), "Fakes") == {SRA: pytest.approx(6.5), SRB: pytest.approx(7.25)}


def test_bug_5_all_campaigns_are_added():
    files = {
        f"Wt_{campaign}": (
            make({"nominal": both((10, L_TOT), (20, 2 * L_TOT))}, campaigns=(campaign,)),
            about("Wt", component="Wt", luminosity={campaign: luminosity}),
        )
        for campaign, luminosity in L_OF.items()
    }
    tables = tables_of(files)
    assert totals(tables, "Wt") == {SRA: pytest.approx(L_TOT), SRB: pytest.approx(2 * L_TOT)}
    assert tables.samples["Wt"].entries() == {SRA: 30, SRB: 60}


def test_bug_6_data_count_one_whatever_their_weights():
    tables = tables_of(
        {
            "data17": (make_counts(both(4, 9), weight=0.8), about("Data", "data")),
            "data18": (make_counts(both(6, 10)), about("Data", "data")),
        }
    )
    assert {region: (found.total, found.variance) for region, found in tables.data.items()} == {
        SRA: (10, 10),
        SRB: (19, 19),
    }
    (note,) = notes(tables, "weighted data")
    assert note.text == "dataset data17: yields of data have weights; the entries are taken"


def test_bug_9_fakes_made_from_data_are_not_scaled_and_have_no_luminosity_error():
    from_data = make({"nominal": both((10, L_TOT), (20, 2 * L_TOT))})
    tables = tables_of({"Fake_data18": (from_data, about("Fakes", "data-driven"))})
    assert totals(tables, "Fakes") == {SRA: pytest.approx(1), SRB: pytest.approx(2)}
    assert tables.samples["Fakes"].to_yield().is_data_driven
    simulated = tables_of({"Fake_Wt": (from_data, about("Fakes", "fakes"))})
    assert totals(simulated, "Fakes")[SRA] == pytest.approx(L_TOT)
    assert not simulated.samples["Fakes"].to_yield().is_data_driven


def test_bug_10_contents_that_are_not_finite_are_refused():
    histograms = make(flat(1.0, 2.0))
    histograms["yields"].view()["value"][0, 0, 0] = math.inf
    with pytest.raises(InputError, match="dataset 'Wt', histogram 'yields': contents must be finite"):
        tables_of({"Wt": (histograms, about("Wt"))})


def test_bug_11_negative_events_are_floored_and_told_and_nothing_is_relative_to_them():
    events = {"nominal": both((25, 2.0), (9, -0.5, 0.25)), "EG_SCALE_ALL__1up": both((25, 2.1), (10, 0.7))}
    tables = tables_of({"Wt": (make(events), about("Wt"))})
    nominal = tables.samples["Wt"].nominal[SRB]
    assert (nominal.total, nominal.error) == (FLOOR, pytest.approx(0.5))
    (note,) = notes(tables, "negative")
    assert (note.sample, note.region, note.is_warning) == ("Wt", SRB, True)
    assert note.text == "-0.5 events, taken as 0.0001; the error stays"
    assert totals(tables, "Wt", "EG_SCALE_ALL") == {SRA: pytest.approx((2.1, 1.9)), SRB: (FLOOR, FLOOR)}
    (note,) = notes(tables, "not relative")
    assert (note.region, note.systematic) == (SRB, "EG_SCALE_ALL")


def test_bug_12_a_tree_that_is_identical_to_nominal_is_mirrored():
    nominal = flat(2.0, 10.0)["nominal"]
    tables = tables_of(wt(MUON_SAGITTA_RHO__1up=both((25, 2.2), (201, 10.4)), MUON_SAGITTA_RHO__1down=nominal))
    assert totals(tables, "Wt", "MUON_SAGITTA_RHO") == {SRA: pytest.approx((2.2, 1.8)), SRB: pytest.approx((10.4, 9.6))}
    told = notes(tables, "identical")
    assert {note.systematic for note in told} == {"MUON_SAGITTA_RHO"}


def test_bug_13_errors_of_the_normalisation_are_systematics():
    datasets = {name: (make(flat(2.0, 10.0)), about(name)) for name in ("ttbar", "VV", "Wt")}
    tables = tables_of(datasets | {"Data": (make_counts(both(4, 20)), about("Data", "data"))})
    assert totals(tables, "ttbar") == {SRA: pytest.approx(1.8), SRB: pytest.approx(9.0)}
    yields = tables.to_yields()
    assert yields.samples["ttbar"].normalisation == (0.90, 0.12)
    assert yields.samples["VV"].normalisation == (1.00, 0.25)
    assert yields.samples["Wt"].normalisation is None
    total = tables.to_table().expected[SRA]["total background"]
    assert total.changes["norm_ttbar"] == pytest.approx((0.24, -0.24))
    assert total.changes["norm_VV"] == pytest.approx((0.5, -0.5))
    assert total.changes["lumi"] == pytest.approx((0.034, -0.034))  # of Wt alone
    assert {note.sample for note in notes(tables, "normalisation")} == {"ttbar", "VV"}


def test_systematics_follow_the_normalisation():
    events = flat(2.0, 10.0) | {"EG_SCALE_ALL__1up": both((26, 2.2), (201, 11.0))}
    tables = tables_of({"ttbar": (make(events), about("ttbar"))})
    assert totals(tables, "ttbar", "EG_SCALE_ALL")[SRA] == pytest.approx((1.98, 1.62))


def fakes(**more):
    events = flat(5.0, 3.0) | {name: both((25, 5.5), (200, 3.6)) for name in FAKE_WEIGHTS}
    return tables_of({"Fakes": (make(events), about("Fakes", "fakes"))}, **more)


def test_fakes_have_each_systematic_in_its_regions():
    tables = fakes(closure={SRB: 0.3})
    regions = {name: set(by_region) for name, by_region in tables.samples["Fakes"].systematics.items()}
    assert regions == {
        "mcStatFakeErr": {SRB},
        "compSystFakeErr": {SRA, SRB},
        "ErrSSFakeSRA": {SRA},
        "ClosureFakeErr": {SRB},
    }
    error = math.sqrt(10) / 10
    assert totals(tables, "Fakes", "ErrSSFakeSRA")[SRA] == pytest.approx((5 * (1 + error), 5 * (1 - error)))
    assert totals(tables, "Fakes", "ClosureFakeErr")[SRB] == pytest.approx((3.9, 2.1))
    assert totals(tables, "Fakes", "compSystFakeErr") == {
        SRA: pytest.approx((5.5, 5.5)),
        SRB: pytest.approx((3.6, 3.6)),
    }


def test_without_a_closure_file_there_is_a_note():
    tables = fakes()
    assert "ClosureFakeErr" not in tables.samples["Fakes"].systematics
    (note,) = notes(tables, "no closure")
    assert note.text == "no such systematic: FNPClosureError.json was not given"


def test_a_component_that_lacks_a_variation_gives_its_nominal_events():
    name = "EG_SCALE_ALL__1up"
    parts = {
        "Fake_Wt_WEIGHTS": (make(flat(1.0, 2.0)), about("Fakes", "fakes", component="Fake_Wt")),
        f"Fake_Wt_{name}": (make({name: both((26, 1.1), (201, 2.3))}), about("Fakes", "fakes", component="Fake_Wt")),
        "Fake_ttbar_WEIGHTS": (make(flat(4.0, 5.0)), about("Fakes", "fakes", component="Fake_ttbar")),
        "Fake_data15_NONE": (make(flat(L_TOT, L_TOT)), about("Fakes", "data-driven", component="Fake_data15")),
    }
    tables = tables_of(parts)
    assert totals(tables, "Fakes") == {SRA: pytest.approx(6), SRB: pytest.approx(8)}
    high = {region: pair[0] for region, pair in totals(tables, "Fakes", "EG_SCALE_ALL").items()}
    assert high == {SRA: pytest.approx(6.1), SRB: pytest.approx(8.3)}
    told = {note.text: note.is_warning for note in notes(tables, "lacking")}
    assert told == {
        "Fake_ttbar lacks it in mc16a, mc16d, mc16e: nominal events in its place": True,
        "Fake_data15 lacks it in mc16a, mc16d, mc16e: nominal events in its place": False,
    }
    assert notes(tables, "mixed kinds")


def test_a_campaign_that_lacks_a_variation_gives_its_nominal_events():
    name = "EG_SCALE_ALL__1up"
    parts = {}
    for campaign, luminosity in L_OF.items():
        metadata = about("Wt", component="Wt", luminosity={campaign: luminosity})
        parts[f"Wt_{campaign}"] = (make(flat(L_TOT, L_TOT), campaigns=(campaign,)), metadata)
        if campaign != "mc16e":
            varied = make({name: both((30, 2 * L_TOT), (30, L_TOT))}, campaigns=(campaign,))
            parts[f"Wt_{campaign}_{name}"] = (varied, metadata)
    tables = tables_of(parts)
    high, _ = totals(tables, "Wt", "EG_SCALE_ALL")[SRA]
    assert high == pytest.approx(2 * L_TOT - L_OF["mc16e"])
    assert [note.text for note in notes(tables, "lacking")] == ["Wt lacks it in mc16e: nominal events in its place"]


def test_trees_without_a_component_belong_to_their_sample_if_that_is_clear():
    trees = {name: (pair[0], about("Wt")) for name, pair in wt(EG_SCALE_ALL__1up=both((26, 2.1), (201, 11.0))).items()}
    assert totals(tables_of(trees), "Wt") == {SRA: pytest.approx(2), SRB: pytest.approx(10)}
    again = trees | {"other": (make(flat(1.0, 1.0)), about("Wt"))}
    with pytest.raises(InputError, match="datasets 'Wt_WEIGHTS' and 'other' both have nominal of mc16a; name the comp"):
        tables_of(again)


def test_a_fallback_is_told_with_its_variation():
    name = "EG_SCALE_ALL__1up"
    trees = wt(**{name: flat(2.0, 10.0)["nominal"]})
    trees[f"Wt_{name}"][1]["fallback"] = "nominal"
    tables = tables_of(trees)
    (note,) = notes(tables, "missing tree")
    assert (note.sample, note.systematic, note.is_warning) == ("Wt", name, True)
    assert totals(tables, "Wt", "EG_SCALE_ALL")[SRA] == pytest.approx((2.0, 2.0))
    assert notes(tables, "no effect")


def test_what_is_not_there_is_told():
    tables = tables_of({"Wt": (make(flat(2.0, 10.0)), about("Wt"))})
    assert {note.sample for note in notes(tables, "no sample")} == {"ttbar", "Zjets", "VV", "ttZ", "Others", "Fakes"}
    assert notes(tables, "no data")
    assert [note.text for note in notes(tables, "no theory")] == ["no theory systematics: WtThSyst.json not given"]
    assert [note.text for note in notes(tables, "no variations")] == [
        "no variations at all: no experimental systematics"
    ]


def test_systematics_without_variations_and_variations_without_systematic_are_told():
    tables = tables_of(wt(EG_SCALE_ALL__1up=both((26, 2.1), (201, 11.0)), MUON_ELAN__1up=both((26, 2.1), (201, 11.0))))
    assert {note.systematic for note in notes(tables, "unknown")} == {"MUON_ELAN__1up"}
    assert len(notes(tables, "no variation")) == 25 + 21 - 1
    assert list(tables.samples["Wt"].systematics) == ["EG_SCALE_ALL"]


def test_a_sample_without_events_of_a_campaign_is_told_and_refused_if_there_are_data():
    short = about("Zjets", luminosity={campaign: L_OF[campaign] for campaign in ("mc16a", "mc16d")})
    nothing = make(flat(1.0, 1.0), campaigns=("mc16a", "mc16d"))
    datasets = {"Wt": (make(flat(2.0, 10.0)), about("Wt")), "Zjets": (nothing, short)}
    (note,) = notes(tables_of(datasets), "no events")
    text = "no events of mc16e, which stands for 58.5 fb^-1 of data: yields would be too low"
    assert (note.sample, note.text, note.is_warning) == ("Zjets", text, True)
    with pytest.raises(InputError, match="sample Zjets has no events of mc16e, which stands for"):
        tables_of(datasets | {"Data": (make_counts(both(1, 2)), about("Data", "data"))})


def test_rows_are_counted_in_the_tree_and_not_in_the_regions():
    found = make(flat(2.0, 10.0))
    found["entries"].view()[2] = 0
    for rows, kind in ((9, "no entries"), (0, "no events")):
        told = tables_of({"Wt": (found | {"trees": make_trees({"nominal": (7, 8, rows)})}, about("Wt"))}).notes
        assert [note.kind for note in told if "mc16e" in note.text] == [kind]


def test_a_component_without_events_of_a_campaign_is_told():
    rows = {"a": (5, 5, 5), "b": (5, 0, 5)}
    parts = {
        name: (make(flat(1.0, 1.0)) | {"trees": make_trees({"nominal": found})}, about("Others", component=name))
        for name, found in rows.items()
    }
    parts["Data"] = (make_counts(both(1, 2)), about("Data", "data"))
    (note,) = notes(tables_of(parts), "no events")
    assert note.text == "b: no events of mc16d, which stands for 44.3 fb^-1 of data: yields would be too low"


MISSING = ("WeightEventsJVT_JET_JvtEfficiency__1up", "WeightEventsJVT_JET_JvtEfficiency__1down")


@pytest.mark.parametrize("lacking", [MISSING[1:], MISSING])
def test_columns_of_weights_that_are_missing_are_told_and_mirrored(lacking):
    nominal = flat(2.0, 10.0)["nominal"]
    events = {"nominal": nominal, MISSING[0]: both((25, 2.2), (200, 10.0)), MISSING[1]: nominal}
    events |= dict.fromkeys(lacking, nominal)
    found = make(events) | {"trees": make_trees({"nominal": (7, 8, 9)})}
    tables = tables_of({"Wt": (found, about("Wt", missing=list(lacking)))})
    (note,) = notes(tables, "missing column")
    assert note.is_warning
    assert note.text == f"dataset Wt: no column {', '.join(lacking)}: the nominal weight was taken in its place"
    pairs = totals(tables, "Wt", "JET_JvtEfficiency")
    if lacking == MISSING:
        assert pairs == {SRA: (2.0, 2.0), SRB: (10.0, 10.0)}
        assert notes(tables, "no effect")
    else:
        assert pairs == {SRA: pytest.approx((2.2, 1.8)), SRB: pytest.approx((10.0, 10.0))}
        assert notes(tables, "identical")


def test_a_column_that_one_component_lacks_is_not_mirrored():
    nominal = flat(2.0, 10.0)["nominal"]
    up, down = both((25, 2.2), (200, 11.0)), both((25, 1.9), (200, 9.5))
    trees = {"trees": make_trees({"nominal": (7, 8, 9)})}
    parts = {
        "a": (make({"nominal": nominal, MISSING[0]: up, MISSING[1]: down}) | trees, about("Others", component="a")),
        "b": (
            make({"nominal": nominal, MISSING[0]: up, MISSING[1]: nominal}) | trees,
            about("Others", component="b", missing=[MISSING[1]]),
        ),
    }
    tables = tables_of(parts)
    assert totals(tables, "Others", "JET_JvtEfficiency")[SRA] == pytest.approx((4.4, 3.9))
    assert [note.text for note in notes(tables, "missing column")] == [
        f"dataset b: no column {MISSING[1]}: the nominal weight was taken in its place"
    ]


def test_systematics_of_the_fakes_whose_region_has_another_name_are_told():
    regions = ("SR1", "SR2")
    found = make({"nominal": dict.fromkeys(regions, (25, 5.0))}, regions=regions)
    tables = tables_of({"Fakes": (found, about("Fakes", "fakes"))}, closure={SRB: 0.3})
    assert {(note.systematic, note.text.split(",")[0]) for note in notes(tables, "no region")} == {
        ("mcStatFakeErr", f"it is one of {SRB}"),
        ("compSystFakeErr", f"it is one of {SRA}"),
        ("compSystFakeErr", f"it is one of {SRB}"),
        ("ErrSSFakeSRA", f"it is one of {SRA}"),
        ("ClosureFakeErr", f"it is one of {SRB}"),
    }
    assert all(note.is_warning for note in notes(tables, "no region"))
    assert not notes(fakes(closure={SRB: 0.3}), "no region")


def test_files_that_are_given_for_nothing_are_told():
    ratios = {"VV": {"Scale": {SRA: (1.2, 0.9)}}}
    tables = tables_of({"Wt": (make(flat(2.0, 10.0)), about("Wt"))}, theory=Theory(ratios), closure={SRB: 0.3})
    assert [note.text for note in notes(tables, "unused file")] == [
        "the error of the closure: there are no fakes: not used",
        "VVThSyst.json: there is no such sample: not used",
    ]


def test_fakes_that_are_made_from_data_need_no_variations_of_simulation():
    events = flat(5.0, 3.0) | {name: both((25, 5.5), (200, 3.6)) for name in FAKE_WEIGHTS}
    for given, lacking in ((events, set()), (flat(5.0, 3.0), {"mcStatFakeErr", "compSystFakeErr"})):
        tables = tables_of({"Fakes": (make(given), about("Fakes", "data-driven"))})
        assert {note.systematic for note in notes(tables, "no variation")} == lacking
        assert not notes(tables, "no variations")


def test_cuts_have_their_sources_in_cutflows():
    cut = {"label": "MET", "column": "MET", "above": 250.0, "equal": [], "source": "notebook"}
    metadata = about("Wt", selection=[{"name": SRA, "cuts": [cut]}])
    cutflows = {"Wt": {SRA: steps(("all events", 90, 9.0), ("MET", 25, 2.0))}}
    (table,) = cutflow_tables(tables_of({"Wt": (make(flat(2.0, 10.0)), metadata)}, cutflows=cutflows).to_table())[-1:]
    assert (table.header[-1], [row[-1] for row in table.rows]) == ("source", ["-", "notebook"])


def test_a_campaign_without_entries_is_told():
    found = make(flat(2.0, 10.0))
    found["entries"].view()[2] = 0
    datasets = {"Wt": (found, about("Wt")), "Data": (make_counts(both(1, 2)), about("Data", "data"))}
    (note,) = notes(tables_of(datasets), "no entries")
    assert note.text == "no entries of mc16e in any region"


def test_data_have_to_be_given_or_replaced_on_request():
    datasets = {"Wt": (make(flat(2.25, 10.5)), about("Wt")), "signal_1_1": (make(flat(1.0, 1.0)), about("signal_1_1"))}
    tables = tables_of(datasets)
    with pytest.raises(InputError, match=r"add their files to the run, or .*\(hepcol yields --asimov\)") as error:
        tables.to_yields()
    assert "\n" not in str(error.value)
    assert tables.with_asimov_data().to_yields().data == {SRA: pytest.approx(2.25), SRB: pytest.approx(10.5)}
    replaced = tables.with_asimov_data()
    assert replaced.is_asimov
    assert notes(replaced, "asimov data")
    assert not notes(replaced, "no data")


def test_without_backgrounds_there_are_no_yields():
    tables = tables_of({"signal_1_1": (make(flat(1.0, 1.0)), about("signal_1_1"))})
    with pytest.raises(InputError, match="without a background"):
        tables.with_asimov_data()
    with_data = tables_of(
        {
            "signal_1_1": (make(flat(1.0, 1.0)), about("signal_1_1")),
            "Data": (make_counts(both(1, 2)), about("Data", "data")),
        }
    )
    with pytest.raises(InputError, match="there must be one that is no signal"):
        with_data.to_yields()


def test_cutflows_are_scaled_and_added_like_yields():
    metadata = about("ttbar", component="ttbar")
    parts = {
        "a": (make(flat(2.0, 10.0)), metadata | {"component": "a"}),
        "b": (make(flat(1.0, 5.0)), metadata | {"component": "b"}),
    }
    cutflows = {
        "a": {SRA: steps(("all events", 900, 100.0), ("MET", 25, 2.0))},
        "b": {SRA: steps(("all events", 100, 30.0), ("MET", 25, 1.0))},
    }
    tables = tables_of(parts, cutflows=cutflows)
    first, last = tables.cutflows[SRA]["ttbar"]
    assert (first.label, first.entries, first.value) == ("all events", 1000, pytest.approx(0.9 * 130))
    assert last.value == pytest.approx(totals(tables, "ttbar")[SRA]) == pytest.approx(0.9 * 3)
    assert first.error == pytest.approx(0.9 * math.hypot(100 / math.sqrt(900), 30 / math.sqrt(100)))
    assert not notes(tables, "cutflow")


def test_a_cutflow_that_does_not_end_with_the_yield_is_told():
    tables = tables_of(
        {"Wt": (make(flat(2.0, 10.0)), about("Wt"))}, cutflows={"Wt": {SRA: steps(("all events", 30, 3.0))}}
    )
    (note,) = notes(tables, "cutflow")
    assert (note.region, note.text) == (SRA, "cutflow ends with 3 events, the yield is 2")


def test_cutflows_of_data_are_counts():
    step = CutflowStep("all events", {"mc16a": 9}, {"mc16a": 7.5}, {"mc16a": 6.0})
    tables = tables_of({"Data": (make_counts(both(9, 1)), about("Data", "data"))}, cutflows={"Data": {SRA: [step]}})
    (row,) = tables.cutflows[SRA]["Data"]
    assert (row.entries, row.value, row.error) == (9, 9.0, 3.0)


def test_steps_are_read_from_histograms():
    axes = (
        hist.axis.StrCategory(["mc16a", "mc16d"], name="campaign"),
        hist.axis.StrCategory(["all", "MET"], name="step"),
    )
    weighted, entries = (hist.Hist(*axes, storage=storage) for storage in (hist.storage.Weight(), hist.storage.Int64()))
    for histogram, weight in ((weighted, {"weight": [2.0, 3.0, 2.0]}), (entries, {})):
        histogram.fill(["mc16a", "mc16d", "mc16a"], ["all", "all", "MET"], **weight)
    first, second = read_steps(weighted, entries)
    assert first == CutflowStep(
        "all", {"mc16a": 1, "mc16d": 1}, {"mc16a": 2.0, "mc16d": 3.0}, {"mc16a": 4.0, "mc16d": 9.0}
    )
    assert second.entries == {"mc16a": 1, "mc16d": 0}
    with pytest.raises(InputError, match="cutflow: axes must be campaign, step"):
        read_steps(make(flat(1.0, 1.0))["yields"], entries)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample": ""}, "dataset 'Wt': sample must be a name, got ''"),
        ({"kind": "mc"}, "dataset 'Wt': kind must be one of prompt, fakes, data-driven, data, got 'mc'"),
        ({"kind": None}, "dataset 'Wt': kind must be one of prompt, fakes, data-driven, data, got None"),
        ({"fallback": "other"}, "dataset 'Wt': fallback must be '' or 'nominal', got 'other'"),
        ({"kind": "data", "is_signal": True}, "dataset 'Wt': a signal must be of the kind prompt, got data"),
        ({"luminosity": 139.0}, "dataset 'Wt': luminosity must be given by campaign, got 139.0"),
        ({"luminosity": {"mc20": 1.0}}, "luminosity of 'mc20', which is none of mc16a, mc16d, mc16e"),
        ({"luminosity": {"mc16a": -1.0}}, "luminosity of mc16a must be at least 0 fb^-1, got -1.0"),
        ({"luminosity": {"mc16a": math.nan}}, "luminosity of mc16a must be at least 0 fb^-1, got nan"),
        ({"luminosity": {"mc16a": "36"}}, "luminosity of mc16a must be at least 0 fb^-1, got '36'"),
        (
            {"luminosity": {"mc16a": 36.0}},
            "dataset 'Wt' has entries of campaign 'mc16d', but a luminosity only of mc16a",
        ),
        ({"luminosity": {}}, "dataset 'Wt' has entries of campaign 'mc16a', but a luminosity only of none"),
    ],
)
def test_says_in_one_line_what_is_wrong_in_metadata(changes, message):
    with pytest.raises(InputError) as error:
        tables_of({"Wt": (make(flat(1.0, 2.0)), about("Wt") | changes)})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def spoiled(which, histogram):
    return make(flat(1.0, 2.0)) | {which: histogram}


def other_axes():
    return hist.Hist(hist.axis.Regular(2, 0, 1, name="x"), storage=hist.storage.Weight())


@pytest.mark.parametrize(
    ("histograms", "message"),
    [
        ({}, "dataset 'Wt' has no histogram 'yields', only none"),
        ({"yields": make(flat(1.0, 2.0))["yields"]}, "dataset 'Wt' has no histogram 'entries', only yields"),
        (spoiled("yields", make(flat(1.0, 2.0))["entries"]), "'yields': storage must be Weight, got Int64"),
        (spoiled("yields", other_axes()), "'yields': axes must be campaign, region, variation, got x"),
        (
            spoiled("entries", make(flat(1.0, 2.0), regions=(SRB, SRA))["entries"]),
            "'yields' and 'entries' have different axes",
        ),
    ],
)
def test_says_in_one_line_what_is_wrong_in_histograms(histograms, message):
    with pytest.raises(InputError) as error:
        tables_of({"Wt": (histograms, about("Wt"))})
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_entries_that_are_on_no_axis_are_refused():
    found = make(flat(1.0, 2.0))
    axes = [hist.axis.StrCategory(list(axis), name=axis.name) for axis in found["entries"].axes]
    entries = hist.Hist(*axes, storage=hist.storage.Int64())
    entries.fill(["mc16a", "mc20"], SRA, "nominal")
    yields = hist.Hist(*axes, storage=hist.storage.Weight())
    with pytest.raises(InputError, match="'entries': 1 entries of campaigns, regions or variations that are not on"):
        tables_of({"Wt": ({"yields": yields, "entries": entries}, about("Wt"))})


def test_an_empty_dataset_without_luminosity_is_refused():
    empty = make({"nominal": both((0, 0.0), (0, 0.0))})
    with pytest.raises(InputError, match="luminosity must be given of its campaigns mc16a, mc16d, mc16e, got none"):
        tables_of({"Wt": (empty, about("Wt", luminosity={}))})


def test_a_sample_without_any_entries_is_floored_and_told():
    events = {name: both((0, 0.0), (0, 0.0)) for name in ("nominal", "EG_SCALE_ALL__1up", "EG_SCALE_ALL__1down")}
    tables = tables_of({"Zjets": (make(events), about("Zjets"))})
    assert totals(tables, "Zjets") == {SRA: FLOOR, SRB: FLOOR}
    assert len(notes(tables, "empty")) == 2
    assert totals(tables, "Zjets", "EG_SCALE_ALL")[SRA] == (FLOOR, FLOOR)


def test_datasets_that_do_not_fit_together_are_refused():
    found = make(flat(1.0, 2.0))
    with pytest.raises(InputError, match="yields: no histograms of any dataset"):
        make_tables({}, {})
    with pytest.raises(InputError, match="dataset 'Wt' has histograms, but no metadata"):
        make_tables({"Wt": found}, {})
    with pytest.raises(InputError, match="dataset 'b' has the regions Stop4b_SRA; others have Stop4b_SRA, Stop4b_SRB"):
        tables_of({"a": (found, about("a")), "b": (make(flat(1.0, 2.0), regions=(SRA,)), about("b"))})
    with pytest.raises(InputError, match="sample 'X' has datasets of the kinds data and prompt, which do not mix"):
        tables_of({"a": (found, about("X")), "b": (found, about("X", "data"))})
    with pytest.raises(InputError, match="data must be one sample, got Data and More"):
        tables_of({"a": (found, about("Data", "data")), "b": (found, about("More", "data"))})
    with pytest.raises(InputError, match="sample 'Wt': no nominal events of Wt in mc16a"):
        tables_of({"a": (make({TREES[0]: both((1, 1.0), (1, 1.0))}), about("Wt"))})
    with pytest.raises(InputError, match="cutflow of dataset 'b', which has no histograms; there are a"):
        tables_of({"a": (found, about("Wt"))}, cutflows={"b": {SRA: steps(("all", 1, 1.0))}})
    with pytest.raises(InputError, match="cutflow of 'Wt' in 'SRC', which is none of the regions"):
        tables_of({"a": (found, about("Wt"))}, cutflows={"a": {"SRC": steps(("all", 1, 1.0))}})
