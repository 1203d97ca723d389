import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hepcol.cli import main
from hepcol.errors import InputError
from hepcol.goodruns import GoodRuns, by_run, luminosity_of, read_good_runs

RANGES = {1: [(1, 5), (4, 9), (20, 20)], 3: [(2, 3)]}
XML = """<?xml version="1.0" ?>
<!DOCTYPE LumiRangeCollection SYSTEM 'http://atlas-runquery.cern.ch/LumiRangeCollection.dtd'>
<LumiRangeCollection>
  <NamedLumiRange>
    <Name>made up</Name>
    <Metadata Name="RunList">1,3</Metadata>
    <LumiBlockCollection>
      <Run>1</Run><LBRange Start="4" End="9"/><LBRange Start="1" End="5"/>
    </LumiBlockCollection>
  </NamedLumiRange>
  <NamedLumiRange>
    <LumiBlockCollection><Run> 3 </Run><LBRange Start="2" End="3"/></LumiBlockCollection>
    <LumiBlockCollection><Run>1</Run><LBRange Start="20" End="20"/></LumiBlockCollection>
  </NamedLumiRange>
</LumiRangeCollection>
"""
BRILCALC = """#Data tag : v1 , Norm tag: None
#run:fill,ls,time,beamstatus,E(GeV),delivered(/ub),recorded(/ub),avgpu,source
1:4915,1:1,04/27/16 10:00:00,STABLE BEAMS,6500,1000.0,900.0,20.0,DT
1:4915,2:0,04/27/16 10:00:23,STABLE BEAMS,6500,1000.0,0.0,20.0,DT
1:4915,11:11,04/27/16 10:03:00,STABLE BEAMS,6500,1000.0,950.0,20.0,DT
3:4916,2:2,04/27/16 12:00:00,STABLE BEAMS,6500,1000.0,850.0,20.0,DT
#Summary:
#nfill,nrun,nls,ncms,totdelivered(/ub),totrecorded(/ub)
#2,2,4,3,4000,2700
"""

runs = st.integers(0, 3)
blocks = st.integers(0, 12)
ranges = st.lists(
    st.tuples(runs, blocks, st.integers(0, 5)).map(lambda one: (one[0], one[1], one[1] + one[2])), max_size=12
)
events = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 20)), max_size=40)


def written(tmp_path, text, name="list"):
    path = tmp_path / name
    path.write_text(text)
    return path


@given(ranges, events)
def test_the_mask_is_that_of_a_loop(given_ranges, given_events):
    good = GoodRuns(tuple(given_ranges))
    run, block = (np.array([one[k] for one in given_events], dtype=np.uint32) for k in (0, 1))
    expected = [any(r == run and first <= lb <= last for run, first, last in given_ranges) for r, lb in given_events]
    assert good.mask(run, block).tolist() == expected
    assert good.blocks == len({(run, lb) for run, first, last in given_ranges for lb in range(first, last + 1)})
    # merged: no two touch
    assert all(a[0] != b[0] or a[2] + 1 < b[1] for a, b in zip(good.ranges, good.ranges[1:], strict=False))


def test_the_mask_is_that_of_coffea(tmp_path):
    from coffea.lumi_tools import LumiMask

    rng = np.random.default_rng(1)
    content = {}
    for run in rng.integers(270_000, 270_050, 200):
        ends = np.sort(rng.choice(2000, 2, replace=False)) + 1
        content.setdefault(str(run), []).append(ends.tolist())
    good = read_good_runs(written(tmp_path, json.dumps(content)))
    # coffea expects ranges without overlap
    merged = {}
    for run, first, last in good.ranges:
        merged.setdefault(str(run), []).append([first, last])
    run, block = (rng.integers(*ends, 20_000).astype(np.uint32) for ends in ((269_990, 270_060), (0, 2100)))
    theirs = LumiMask(str(written(tmp_path, json.dumps(merged), "merged.json")))(run, block)
    assert 0.2 < theirs.mean() < 0.9
    np.testing.assert_array_equal(good.mask(run, block), theirs)


@pytest.mark.parametrize("text", [XML, json.dumps(RANGES), '{"1": [[20, 20], [1, 9]], "3": [[2, 2]], "3": [[3, 3]]}'])
def test_lists_of_both_kinds_are_merged(tmp_path, text):
    good = read_good_runs(written(tmp_path, text))
    assert good.ranges == ((1, 1, 9), (1, 20, 20), (3, 2, 3))
    assert (good.number_of_runs, good.blocks) == (2, 12)
    assert good.digest == GoodRuns(((3, 2, 3), (1, 1, 9), (1, 20, 20))).digest
    assert by_run(good.ranges) == {1: "1-9, 20", 3: "2-3"}


def test_an_open_range_has_no_end(tmp_path):
    good = read_good_runs(written(tmp_path, XML.replace('End="20"', 'End="4294967295"')))
    assert good.is_open
    assert by_run(good.ranges) == {1: "1-9, 20-end", 3: "2-3"}
    assert good.mask([1, 1, 3], [2**32 - 1, 19, 2**32 - 1]).tolist() == [True, False, False]
    # numbers that do not fit are not good, and lead to no other run
    assert not good.mask(np.array([1, 2**32 + 1, -1]), np.array([2**32, 5, 5])).any()


@pytest.mark.parametrize("wrong", [[1.0, np.nan], [1.0, 3.0], [True, False], ["1", "3"]])
def test_runs_and_blocks_that_are_not_whole_are_refused_by_name(wrong):
    good = GoodRuns(((1, 1, 9),))
    for name, columns in (("run", (wrong, [1, 2])), ("luminosity_block", ([1, 1], wrong))):
        with pytest.raises(InputError, match=f"^{name}: expected whole numbers, got .* such as "):
            good.mask(*columns)
    assert good.mask([], []).tolist() == []


def test_a_list_travels_to_workers(tmp_path):
    good = read_good_runs(written(tmp_path, XML))
    good.mask([1], [1])
    assert pickle.loads(pickle.dumps(good)).mask([1, 1, 3, 2], [9, 10, 2, 2]).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (XML.replace('Start="2"', 'Start="4"'), "run 3: blocks 4 to 3: expected first <= last"),
        (XML.replace('Start="2"', 'Start="x"'), "run 3: LBRange Start: expected a whole number from 0 .*, got 'x'"),
        (XML.replace('Start="2"', 'Begin="2"'), "run 3: LBRange Start: .*got None"),
        (XML.replace('End="3"', 'End="-1"'), "run 3: LBRange End: .*got '-1'"),
        (XML.replace("<Run> 3 </Run>", ""), "a LumiBlockCollection has 0 elements Run; expected one"),
        (XML.replace("<Run> 3 </Run>", "<Run>three</Run>"), "Run: .*got 'three'"),
        (XML.replace('<LBRange Start="2" End="3"/>', ""), "run 3 has no LBRange; expected one or more, such as <LBR"),
        (
            XML.replace('<LBRange Start="2"', '<LbRange Start="2"'),
            "LumiBlockCollection has an element LbRange; accepted: Run, LBRange$",
        ),
        (
            XML.replace("NamedLumiRange>", "NamedRange>"),
            "LumiRangeCollection has an element NamedRange; accepted: NamedLumiRange$",
        ),
        (
            XML.replace('<Run>1</Run><LBRange Start="20"', '<Run>1</Run><BunchId>3</BunchId><LBRange Start="20"'),
            "LumiBlockCollection has an element BunchId",
        ),
        (XML.replace("<Run> 3 </Run>", "<Run>\u0663</Run>"), "Run: expected a whole number"),
        ("<Other/>", "expected a LumiRangeCollection, got Other"),
        ("<LumiRangeCollection>", "not XML"),
        ("<LumiRangeCollection/>", "has no good run in it"),
        ("{}", "expected|no good run"),
        (f'{{"7": [[1, {"9" * 5000}]]}}', "neither XML nor JSON"),
        (XML.replace("<Run> 3 </Run>", f"<Run>{'9' * 5000}</Run>"), "Run: expected a whole number"),
        ("run 1", "neither XML nor JSON"),
        ("[1]", 'expected {"run": \\[\\[first, last\\], ...\\]}, got'),
        ('{"a": [[1, 2]]}', "run: expected a whole number .*got 'a'"),
        ('{"7": 3}', "run 7: expected \\[\\[first, last\\], ...\\], got 3"),
        ('{"7": [1, 2]}', "run 7: expected \\[first, last\\], two whole numbers, got 1"),
        ('{"7": [[1, 2, 3]]}', "run 7: .*got \\[1, 2, 3\\]"),
        ('{"7": [[1, 2.5]]}', "run 7: .*got \\[1, 2.5\\]"),
        ('{"7": [[5, 2]]}', "run 7: blocks 5 to 2: expected first <= last"),
    ],
)
def test_a_bad_list_is_one_line_with_file_run_and_value(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        read_good_runs(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_luminosity_of_brilcalc_is_that_of_coffea(tmp_path):
    from coffea.lumi_tools import LumiData

    table = written(tmp_path, BRILCALC, "lumi.csv")
    good = read_good_runs(written(tmp_path, XML))
    left = luminosity_of(good, table)
    assert left.by_run == {1: pytest.approx(900e-6), 3: pytest.approx(850e-6)}
    theirs = LumiData(str(table)).get_lumi(np.array([[1, 1], [1, 2], [3, 2]], dtype=np.uint32))
    assert left.total * 1e6 == pytest.approx(float(theirs))
    assert left.table == pytest.approx(2700e-6)  # as the summary says
    assert left.missing == ((1, 3, 9), (1, 20, 20), (3, 3, 3))
    assert left.column == "recorded(/ub)"


def test_luminosity_of_a_plain_table(tmp_path):
    table = written(tmp_path, "RunNumber,LB,Luminosity [nb^-1]\n7,1,2.0\n7,2,3.5\n8,1,1\n", "lumi.csv")
    left = luminosity_of(GoodRuns(((7, 2, 2**32 - 1), (9, 1, 2))), table)
    assert left.by_run == {7: 0.0035, 9: 0.0}
    assert left.missing == ((9, 1, 2),)  # an open range ends with its run
    assert left.table == pytest.approx(0.0065)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run,lb,recorded\n1,1,2\n", "column 'recorded' needs its unit in brackets, such as \\(/pb\\)"),
        ("run,lb,recorded(GeV)\n1,1,2\n", "column 'recorded\\(GeV\\)' needs its unit"),
        ("run,time,recorded(/pb)\n1,1,2\n", "no column ls or lb .*in its header: run, time"),
        ("run,lb,pileup\n1,1,2\n", "no column recorded or"),
        ("run,lb,recorded(/pb)\n1,1,2\n1,x,2\n", "line 3: lb: expected a whole number from 0 to 4294967295, got 'x'"),
        (
            f"run,lb,recorded(/pb)\n{'9' * 20},1,2\n",
            "line 2: run: expected a whole number from 0 to 2147483647, got '99999999999999999999'",
        ),
        ("run,lb,recorded(/pb)\n1,4294967296,2\n", "line 2: lb: expected a whole number from 0 to 4294967295"),
        ("run,lb,recorded(/pb)\n\u0661,1,2\n", "line 2: run: expected a whole number"),
        ("run,lb,recorded(/pb)\n1,1,1_0\n", "line 2: recorded\\(/pb\\) must be a number from 0, got '1_0'"),
        ("run,lb,recorded(/pb)\n1,1,-2\n", "line 2: recorded\\(/pb\\) must be a number from 0, got '-2'"),
        ("run,lb,recorded(/pb)\n1,1\n", "line 2: 2 columns; the header has 3"),
        ("run,lb,recorded(/pb)\n1,1,2\n1,1,2\n", "run 1, block 1 is there twice, in lines 2 and 3"),
        ("run,lb,recorded(/pb)\n", "has no luminosity in it"),
        ("", "is empty; expected a header"),
    ],
)
def test_a_bad_table_of_luminosity_is_one_line(tmp_path, text, message):
    path = written(tmp_path, text, "lumi.csv")
    with pytest.raises(InputError, match=message) as caught:
        luminosity_of(GoodRuns(((1, 1, 2),)), path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_command_prints_luminosity_and_what_has_none(tmp_path, capsys):
    good, table = written(tmp_path, XML), written(tmp_path, BRILCALC, "lumi.csv")
    with pytest.raises(SystemExit) as caught:
        main(["goodruns", str(good), "--luminosity", str(table)])
    assert caught.value.code == 3
    printed = capsys.readouterr().out
    assert "2 runs, 3 ranges, 12 blocks" in printed
    assert "luminosity: 0.00175 pb^-1 of 0.0027 pb^-1 in the table, 64.8%" in printed
    assert "warning: run 1: no luminosity in the table for blocks 3-9, 20" in printed
    assert "2 named ranges (NamedLumiRange) of the list are joined" in printed
    one = written(tmp_path, json.dumps(RANGES), "one.json")
    with pytest.raises(SystemExit) as caught:
        main(["goodruns", str(one)])
    assert caught.value.code == 0
    assert "joined" not in capsys.readouterr().out
