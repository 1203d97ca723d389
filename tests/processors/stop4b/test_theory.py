"""Systematics of the theory and of the closure, from files."""

import json

import pytest
from yield_inputs import REGIONS, SRA, SRB

from hepcol.errors import InputError
from processors.stop4b.theory import RULES, Theory, missing_theory, name_file, read_closure, read_theory

CONTENTS = {
    "Wt": {SRA: {"DS": 0.7}, SRB: {"DS": 1.2}},
    "ttbar": {
        region: {
            "hardscattematching": 0.9,
            "fraghad": 1.3,
            "FSRup": 1.1,
            "FSRdown": 0.8,
            "ISRup": 1.1,
            "ISRdown": 1.05,
        }
        for region in REGIONS
    },
    "VV": {
        region: {
            "ScaleUp": 1.2,
            "ScaleDown": 0.9,
            "CKKW30": 0.95,
            "CKKW15": 0.9,
            "QSF4": 1.02,
            "QSF025": 0.97,
        }
        for region in REGIONS
    },
    "ttZ": {region: {"xsecUp": 1.12, "xsecDown": 0.88} for region in REGIONS},
    "Others": {region: {"xsecUp": 1.3, "xsecDown": 0.7} for region in REGIONS},
}


@pytest.fixture
def folder(tmp_path):
    for sample, content in CONTENTS.items():
        (tmp_path / name_file(sample)).write_text(json.dumps(content))
    return tmp_path


def write(folder, sample, content):
    (folder / name_file(sample)).write_text(content if isinstance(content, str) else json.dumps(content))


def test_every_rule_gives_a_systematic_in_every_region(folder):
    theory = read_theory(folder)
    assert {sample: set(found) for sample, found in theory.ratios.items()} == {
        sample: {rule.systematic for rule in rules} for sample, rules in RULES.items()
    }
    assert all(set(by_region) == set(REGIONS) for found in theory.ratios.values() for by_region in found.values())
    assert list(missing_theory(theory, [*RULES, "Zjets", "signal_400_320"], REGIONS)) == []


def test_a_ratio_alone_counts_by_its_distance_from_1(folder):
    ratios = read_theory(folder).ratios
    assert ratios["Wt"]["DRvsDS"] == {SRA: pytest.approx((1.3, 0.7)), SRB: pytest.approx((1.2, 0.8))}
    assert ratios["ttbar"]["HardScattering"][SRA] == pytest.approx((1.1, 0.9))
    assert ratios["ttbar"]["PartonShower"][SRA] == pytest.approx((1.3, 0.7))


def test_bug_3_scale_and_qsf_are_their_own_numbers(folder):
    """The original stored the one before in their place."""
    ratios = read_theory(folder).ratios["VV"]
    assert ratios["Scale"][SRB] == (1.2, 0.9)
    assert ratios["QSF"][SRB] == (1.02, 0.97)
    assert ratios["CKKW"][SRB] == pytest.approx((1.1, 0.9))


def test_a_pair_on_one_side_of_1_is_symmetrised_and_told(folder):
    theory = read_theory(folder)
    assert theory.ratios["ttbar"]["FSR"][SRA] == (1.1, 0.8)
    assert theory.ratios["ttbar"]["ISR"][SRA] == pytest.approx((1.1, 0.9))
    told = {(note.sample, note.systematic, note.region) for note in theory.notes}
    assert told == {(sample, name, region) for sample, name in (("ttbar", "ISR"), ("VV", "CKKW")) for region in REGIONS}
    assert theory.notes[0].text == "ISRup 1.1 and ISRdown 1.05 are not on both sides of 1: the larger for both"


def test_bug_11_low_of_the_diagram_scheme_ends_at_zero(folder):
    write(folder, "Wt", {region: {"DS": 2.4} for region in REGIONS})
    assert read_theory(folder).ratios["Wt"]["DRvsDS"][SRA] == pytest.approx((2.4, 0.0))


def test_files_that_are_not_there_are_told(tmp_path):
    (note,) = missing_theory(Theory(), ["Wt", "Zjets", "VV"], REGIONS)
    assert note.text == "no theory systematics: WtThSyst.json, VVThSyst.json not given"
    assert note.is_warning
    with pytest.raises(InputError, match=r"theory systematics: '.*' has none of the files ttbarThSyst.json, Wt"):
        read_theory(tmp_path)


def test_files_that_nothing_is_made_of_are_told(folder):
    write(folder, "Zjets", {})
    assert [note.text for note in read_theory(folder).notes if not note.sample] == [
        "ZjetsThSyst.json: there is no rule for such a sample: not used"
    ]
    (note,) = missing_theory(Theory({"Wt": {}}), ["Zjets"], REGIONS)
    assert (note.sample, note.text) == ("Wt", "WtThSyst.json: there is no such sample: not used")


def test_a_region_that_was_not_read_is_told(folder):
    (note,) = (note for note in missing_theory(read_theory(folder, [SRA]), RULES, REGIONS) if note.sample == "Wt")
    assert (note.region, note.text) == (SRB, "no theory systematics (DRvsDS): not read for this region")


def test_keys_that_no_rule_reads_are_told(folder):
    write(folder, "Wt", {region: {"DS": 1.1, "DSold": 1.2} for region in REGIONS})
    (note,) = [note for note in read_theory(folder).notes if note.sample == "Wt"]
    assert note.text == "WtThSyst.json: not used: DSold"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "expected an object with regions as keys, got list"),
        ({SRA: {"DS": 1.1}}, f"nothing for region '{SRB}', only for {SRA}"),
        ({}, f"nothing for region '{SRA}', only for none"),
        ({SRA: 1.1, SRB: 1.1}, f"'{SRA}' must be an object, got float"),
        ({SRA: {"DR": 1.1}, SRB: {}}, f"'{SRA}' lacks the key 'DS', it has DR"),
        ({SRA: {"DS": "1.1"}, SRB: {}}, f"'{SRA}', 'DS' must be a finite number, got \"1.1\""),
        ({SRA: {"DS": True}, SRB: {}}, f"'{SRA}', 'DS' must be a finite number, got true"),
        ({SRA: {"DS": None}, SRB: {}}, f"'{SRA}', 'DS' must be a finite number, got null"),
        (f'{{"{SRA}": {{"DS": NaN}}}}', f"'{SRA}', 'DS' must be a finite number, got NaN"),
        (f'{{"{SRA}": {{"DS": 1{"0" * 400}}}}}', f"'{SRA}', 'DS' must be a finite number, got 1000"),
        ({SRA: {"DS": -0.1}, SRB: {}}, f"'{SRA}', 'DS' must be a ratio above 0, got -0.1"),
    ],
)
def test_says_in_one_line_what_is_wrong_in_a_theory_file(folder, content, message):
    write(folder, "Wt", content)
    with pytest.raises(InputError) as error:
        read_theory(folder)
    assert str(error.value).startswith(f"{folder / 'WtThSyst.json'}: {message}")
    assert "\n" not in str(error.value)


def test_a_folder_that_is_none_and_a_file_that_is_none(folder):
    with pytest.raises(InputError, match=r"theory systematics: '.*none' is no folder"):
        read_theory(folder / "none")
    (folder / name_file("Wt")).unlink()
    (folder / name_file("Wt")).mkdir()
    with pytest.raises(InputError, match=r"WtThSyst.json: cannot be read: Is a directory"):
        read_theory(folder)
    (folder / name_file("Wt")).rmdir()
    (folder / name_file("Wt")).write_bytes(b"\xff\xfe{")
    with pytest.raises(InputError, match=r"WtThSyst.json: not JSON"):
        read_theory(folder)


@pytest.mark.parametrize("key", ["SRB", SRB])
def test_the_closure_is_read_by_either_name_of_the_region(tmp_path, key):
    path = tmp_path / "FNPClosureError.json"
    path.write_text(json.dumps({key: 0.25}))
    assert read_closure(path) == {SRB: 0.25}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, f"needs one of the keys '{SRB}' and 'SRB', got none"),
        ({"SRB": 0.1, SRB: 0.2}, f"needs one of the keys '{SRB}' and 'SRB', got SRB, {SRB}"),
        ({"SRB": 1.3}, "'SRB' must be a relative error from 0 to 1, got 1.3"),
        ({"SRB": "x"}, "'SRB' must be a finite number"),
    ],
)
def test_says_in_one_line_what_is_wrong_in_the_closure_file(tmp_path, content, message):
    path = tmp_path / "FNPClosureError.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError) as error:
        read_closure(path)
    assert str(error.value).startswith(f"{path}: {message}")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_closure(tmp_path / "none.json")
