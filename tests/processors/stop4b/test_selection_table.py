"""The table of cuts, and bad ones."""

import pytest

from hepcol.errors import InputError
from hepcol.options import build_processor
from hepcol.selection import Cut
from processors.stop4b import objects
from processors.stop4b.kinds import Kind
from processors.stop4b.selection import read_selection

# SPEC 4: region, column, condition, value
PUBLISHED = [
    ("Stop4b_SRA", "mll", "above", 10),
    ("Stop4b_SRA", "lep1pT", "below", 25),
    ("Stop4b_SRA", "lep2pT", "below", 10),
    ("Stop4b_SRA", "jet1pT", "above", 150),
    ("Stop4b_SRA", "minDRl2j", "above", 1),
    ("Stop4b_SRA", "METsig", "above", 10),
    ("Stop4b_SRA", "pbll", "above", 280),
    ("Stop4b_SRA", "MET", "above", 400),
    ("Stop4b_SRA", "R2l", "above", 25),
    ("Stop4b_SRA", "R2l4j", "above", 0.44),
    ("Stop4b_SRB", "mll", "above", 10),
    ("Stop4b_SRB", "lep1pT", "below", 100),
    ("Stop4b_SRB", "lep2pT", "at_least", 10),
    ("Stop4b_SRB", "lep2pT", "below", 50),
    ("Stop4b_SRB", "jet1pT", "above", 150),
    ("Stop4b_SRB", "minDRl2j", "above", 1),
    ("Stop4b_SRB", "METsig", "above", 10),
    ("Stop4b_SRB", "pbll", "above", 280),
    ("Stop4b_SRB", "MET", "above", 400),
    ("Stop4b_SRB", "R2l", "above", 13),
    ("Stop4b_SRB", "R2l4j", "above", 0.38),
]


def test_the_thresholds_are_those_of_the_specification_each_with_a_source():
    found = [
        (region.name, cut.column, condition, getattr(cut, condition))
        for region in read_selection().regions
        for cut in region.cuts
        for condition in ("above", "at_least", "below", "at_most")
        if getattr(cut, condition) is not None
    ]
    assert sorted(found) == sorted(PUBLISHED)
    assert all(cut.source for region in read_selection().regions for cut in region.cuts)


def test_the_regions_exclude_each_other():
    a, b = (
        {cut.column: cut for cut in region.cuts if cut.column == "lep2pT"}["lep2pT"]
        for region in read_selection().regions
    )
    assert a.below == b.at_least


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        (Kind.PROMPT, set()),
        (Kind.DATA, {"IFFTypeLep1", "IFFTypeLep2"}),
        (Kind.FAKES, {"IFFTypeLep1", "IFFTypeLep2", "isSignalLep1", "isSignalLep2"}),
        (Kind.DATA_DRIVEN, {"IFFTypeLep1", "IFFTypeLep2", "isSignalLep1", "isSignalLep2"}),
    ],
)
def test_each_kind_has_its_cuts(kind, lacking):
    everything = {cut.column for region in read_selection().regions for cut in region.cuts}
    assert everything - {cut.column for region in read_selection().of(kind) for cut in region.cuts} == lacking


ONE = "{label: x, column: MET, above: 1}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a table with 'regions', got NoneType"),
        ("regions: {}", "at least 1"),
        ("regions: {A: {cuts: []}}", r"regions\.A\.cuts"),
        (f"regions: {{A b: {{cuts: [{ONE}]}}}}", "region 'A b'"),
        ("regions: {A: {cuts: [{label: x, column: MET}]}}", "cut 'x' accepts everything"),
        ("regions: {A: {cuts: [{label: x, column: MET, above: many}]}}", r"regions\.A\.cuts\.0\.above"),
        ("regions: {A: {cuts: [{label: x, column: MET, above: .nan}]}}", "finite"),
        ("regions: {A: {cuts: [{label: x, column: MET, over: 3}]}}", r"regions\.A\.cuts\.0\.over"),
        ("regions: {A: {cuts: [{label: x, column: MET, above: 3, samples: [all]}]}}", "samples"),
        (
            "regions: {A: {cuts: [{label: x, column: MET, above: 3, samples: [data]}]}}",
            "no cut for samples of",
        ),
        ("regions: [", "not YAML"),
        (f"regions: {{A: {{cuts: [{ONE}, {ONE}]}}}}", "two steps are labelled 'x'"),
        ("regions: {A: {cuts: [{label: rows of the tree, column: MET, above: 3}]}}", "two steps are labelled"),
        (f"regions: {{A: {{cuts: [{ONE}]}}, A: {{cuts: [{ONE}]}}}}", "'A' is given twice"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, text, message):
    path = tmp_path / "cuts.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_selection(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"no\.yaml: cannot be read: No such file") as caught:
        build_processor("stop4b", [f"selection={tmp_path / 'no.yaml'}"])
    assert "\n" not in str(caught.value)


def test_objects_refuse_cuts_on_what_they_do_not_have(tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text("regions: {A: {cuts: [{label: x, column: MT2, above: 1}]}}")
    with pytest.raises(InputError, match="no cut on column 'MT2' of object files"):
        objects.check_cuts(read_selection(path).of(Kind.PROMPT))


@pytest.mark.parametrize("equal", [(1.5, 2.0), (-1.0, 2.0), (2.0, 64.0)])
def test_objects_take_several_values_of_whole_numbers_only(equal):
    region = read_selection().regions[0]
    changed = type(region)(region.name, (Cut("x", "nlep", equal=equal),))
    with pytest.raises(InputError, match="whole numbers from 0 to 63"):
        objects.check_cuts((changed,))
