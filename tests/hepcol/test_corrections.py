"""Corrections against correctionlib called by hand, event by event, and what they say of what is wrong."""

import gzip
import json
import pickle
import sys
from pathlib import Path

import awkward as ak
import correctionlib
import numpy as np
import pytest
from coffea import processor as coffea_processor
from hypothesis import given
from hypothesis import strategies as st

import hepcol
from hepcol.cli import main
from hepcol.corrections import NO_CORRECTIONS, Column, Correction, CorrectionFile, Corrections, Sides, Value
from hepcol.errors import InputError
from hepcol.execution.identity import differences, identify
from hepcol.variations import Direction, Kind, Variation

sys.path.insert(0, str(Path(__file__).parent))  # for the helper, which importlib's mode does not put on the path

import correction_files

FILE = CorrectionFile("sf.json", json.dumps(correction_files.CONTENT))
BY_HAND = correctionlib.CorrectionSet.from_string(FILE.content)
ETA_PT = {"abs_eta": Column("Electrons.eta", np.abs), "pt": "Electrons.pt"}
IDENTIFICATION = Correction(FILE, "identification", ETA_PT, systematic="systematic")
TRIGGER = Correction(FILE, "trigger", {"pt": "Electrons.pt"}, variations={"TRIG": Sides("trigger_up", "trigger_down")})
PILE_UP = Correction(FILE, "pileup", {"n": "n"})
ALL = Corrections((IDENTIFICATION, TRIGGER, PILE_UP))


def events_of(lists):
    """Make events of lists of (eta, pt) of their electrons."""
    electrons = [[{"eta": eta, "pt": pt} for eta, pt in event] for event in lists]
    form = ak.Array([[{"eta": 0.0, "pt": 0.0}]])[:0]
    return ak.zip({"Electrons": ak.concatenate([form, electrons]), "n": np.arange(len(lists)) % 3 + 1}, depth_limit=1)


@pytest.fixture(scope="module")
def events():
    numbers = np.random.default_rng(1)
    return events_of(
        [
            list(zip(numbers.uniform(-2.5, 2.5, count), numbers.uniform(10, 200, count), strict=True))
            for count in numbers.integers(0, 4, 300)
        ]
    )


def product_by_hand(event, identification, trigger):
    weight = 1.0
    for electron in event["Electrons"]:
        weight *= BY_HAND["identification"].evaluate(identification, abs(electron["eta"]), electron["pt"])
    triggered = 1.0
    for electron in event["Electrons"]:
        triggered *= BY_HAND[trigger].evaluate(electron["pt"])
    return weight * triggered * BY_HAND["pileup"].evaluate(event["n"])


def test_weights_are_those_of_correctionlib_called_event_by_event(events):
    found = dict(ALL.evaluate(events).items())
    expected = {
        "nominal": ("nominal", "trigger"),
        "identification__1up": ("up", "trigger"),
        "identification__1down": ("down", "trigger"),
        "TRIG__1up": ("nominal", "trigger_up"),
        "TRIG__1down": ("nominal", "trigger_down"),
    }
    assert list(found) == list(expected)
    plain = events.to_list()
    for name, shifts in expected.items():
        assert found[name].tolist() == [product_by_hand(event, *shifts) for event in plain]
    assert found["identification__1up"].sum() > found["nominal"].sum() > found["identification__1down"].sum()


def test_variations_are_records():
    assert ALL.variations[:2] == (
        Variation("identification__1up", Kind.WEIGHT, Direction.UP),
        Variation("identification__1down", Kind.WEIGHT, Direction.DOWN),
    )


@given(
    st.lists(st.lists(st.tuples(st.floats(-2.4, 2.4), st.floats(10, 900)), max_size=4), max_size=8), st.integers(0, 8)
)
def test_chunks_do_not_change_a_bit(lists, cut):
    events = events_of(lists)
    whole, first, second = (ALL.evaluate(part) for part in (events, events[:cut], events[cut:]))
    assert whole.nominal.tobytes() == first.nominal.tobytes() + second.nominal.tobytes()
    assert whole.varied.tobytes() == np.concatenate([first.varied, second.varied], axis=1).tobytes()


@pytest.fixture
def calls(monkeypatch):
    """What correctionlib is asked for: names of corrections, with the texts that they get."""
    from correctionlib import highlevel

    asked, evaluate = [], highlevel._evaluate

    def counted(correction, *arguments):
        asked.append((correction.name, *(one for one in arguments if isinstance(one, str))))
        return evaluate(correction, *arguments)

    monkeypatch.setattr(highlevel, "_evaluate", counted)
    return asked


def test_each_is_evaluated_once_for_nominal_up_and_down_and_a_column_is_taken_once(events, calls):
    taken = []

    class Read(dict):
        def __getitem__(self, name):
            taken.append(name)
            return super().__getitem__(name)

    columns = {"Electrons.eta": events.Electrons.eta, "Electrons.pt": events.Electrons.pt, "n": events.n}
    ALL.evaluate(Read(columns))
    assert sorted(calls) == [
        ("identification", "down"),
        ("identification", "nominal"),
        ("identification", "up"),
        ("pileup",),
        ("trigger",),
        ("trigger_down",),
        ("trigger_up",),
    ]
    assert sorted(taken) == ["Electrons.eta", "Electrons.pt", "n"]


def test_arrays_of_two_dimensions_and_those_in_the_place_of_the_events_are_alike(events):
    pairs = events[ak.num(events.Electrons) == 2]
    found = ALL.evaluate(pairs)
    eta, pt = (ak.to_numpy(pairs.Electrons[name]) for name in ("eta", "pt"))
    flat = ALL.evaluate({"Electrons.eta": eta, "Electrons.pt": pt, "n": ak.to_numpy(pairs.n)})
    assert flat.varied.tobytes() == found.varied.tobytes()
    nothing = Corrections((TRIGGER,)).evaluate({"Electrons.pt": np.empty((3, 0))})
    assert nothing.varied.tolist() == [[1.0] * 3] * 2
    hard = events.Electrons[events.Electrons.pt > 40]
    given = ALL.evaluate(events, {"Electrons": hard})
    assert given.nominal.tobytes() == ALL.evaluate(ak.with_field(events, hard, "Electrons")).nominal.tobytes()
    assert given.nominal.tobytes() != ALL.evaluate(events).nominal.tobytes()


def test_systematics_have_the_names_and_keys_that_a_file_has(events):
    declared = Correction(
        FILE,
        "cms",
        {**ETA_PT, "WorkingPoint": Value("Medium")},
        systematic="ValType",
        nominal="sf",
        variations={"SYST": Sides("systup", "systdown"), "STAT": Sides("statup", "statdown")},
    )
    found = dict(Corrections((declared,)).evaluate(events).items())
    assert list(found) == ["nominal", "SYST__1up", "SYST__1down", "STAT__1up", "STAT__1down"]
    for name, key in {"nominal": "sf", "SYST__1down": "systdown", "STAT__1up": "statup"}.items():
        for event, weight in zip(events.Electrons.to_list()[:30], found[name], strict=False):
            by_hand = [BY_HAND["cms"].evaluate(key, "Medium", abs(one["eta"]), one["pt"]) for one in event]
            assert weight == np.prod(by_hand)


def test_a_compound_correction_is_evaluated_like_any_other(events):
    declared = Correction(FILE, "both", ETA_PT, systematic="systematic")
    found = dict(Corrections((declared,)).evaluate(events).items())
    for event, up in zip(events.Electrons.to_list(), found["both__1up"], strict=True):
        assert up == np.prod([BY_HAND.compound["both"].evaluate("up", abs(one["eta"]), one["pt"]) for one in event])


def test_one_name_in_two_corrections_shifts_both(events):
    again = Correction(FILE, "clamped", ETA_PT, systematic="systematic", variations={"identification": Sides()})
    found = Corrections((IDENTIFICATION, again)).evaluate(events)
    alone = Corrections((IDENTIFICATION,)).evaluate(events)
    np.testing.assert_array_equal(found.varied, alone.varied * alone.varied)


def test_values_of_events_are_those_of_all_their_objects(events):
    found = Corrections((Correction(FILE, "mixed", {"pt": "Electrons.pt", "n": "n"}),)).evaluate(events).nominal
    for event, weight in zip(events.to_list(), found, strict=True):
        assert weight == np.prod([BY_HAND["mixed"].evaluate(one["pt"], event["n"]) for one in event["Electrons"]])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (PILE_UP, Correction(FILE, "pileup", {"n": Column("n")})),
        (IDENTIFICATION, Correction(FILE, "identification", {**ETA_PT, "systematic": Value("nominal")})),
        (TRIGGER, Correction(CorrectionFile("copy.json", FILE.content), "trigger", TRIGGER.inputs)),
    ],
)
def test_the_same_correction_twice_is_refused(first, second):
    with pytest.raises(InputError, match=rf"'{first.name}' is declared twice with the same inputs, so that it would"):
        Corrections((first, TRIGGER if first is PILE_UP else PILE_UP, second))


def test_the_same_correction_of_other_inputs_is_another(events):
    once, again = (Correction(FILE, "pileup", {"n": Column("n", times=factor)}) for factor in (1.0, -1.0))
    assert len(Corrections((once, again))) == 2


@pytest.mark.parametrize("name", ["nominal", "ELECTRON__1up", "ELECTRON__1down"])
def test_a_systematic_called_as_a_variation_is_refused(name):
    with pytest.raises(InputError, match=f"correction 'trigger': systematic '{name}': expected a name that is not nom"):
        Correction(FILE, "trigger", {"pt": "pt"}, variations={name: Sides("trigger_up", "trigger_down")})


def test_a_side_that_is_nominal_is_evaluated_once(events, calls):
    one_sided = Correction(
        FILE, "identification", ETA_PT, systematic="systematic", variations={"ID": Sides("up", "nominal")}
    )
    found = Corrections((one_sided,)).evaluate(events)
    assert calls == [("identification", "nominal"), ("identification", "up")]
    assert found.varied[1].tobytes() == found.nominal.tobytes() != found.varied[0].tobytes()


def test_values_that_no_table_is_by_are_taken(events):
    fixed = Correction(FILE, "unused", {"pt": "Electrons.pt", "label": Value("anything")})
    alone = Correction(FILE, "trigger", {"pt": "Electrons.pt"})
    assert (
        Corrections((fixed,)).evaluate(events).nominal.tobytes()
        == Corrections((alone,)).evaluate(events).nominal.tobytes()
    )
    assert hash(fixed) != hash(alone)


def test_a_constant_and_a_unit(events):
    constant = Correction(FILE, "constant", {"year": Value("2023")})
    assert Corrections((constant,)).evaluate(events).nominal.tolist() == [1.5] * len(events)
    whole = Correction(FILE, "trigger", {"pt": Value(25)})
    assert Corrections((whole,)).evaluate(events).nominal.tolist() == [0.9] * len(events)
    in_mev = ak.with_field(events, ak.with_field(events.Electrons, 1000 * events.Electrons.pt, "pt"), "Electrons")
    declared = Correction(FILE, "trigger", {"pt": Column("Electrons.pt", times=0.001)})
    expected = Corrections((Correction(FILE, "trigger", {"pt": "Electrons.pt"}),)).evaluate(events)
    np.testing.assert_array_equal(Corrections((declared,)).evaluate(in_mev).nominal, expected.nominal)


def test_no_corrections_change_nothing(events):
    found = NO_CORRECTIONS.evaluate(events)
    assert found.nominal.tolist() == [1.0] * len(events)
    assert found.varied.shape == (0, len(events))
    assert Corrections.read("") is NO_CORRECTIONS
    assert not NO_CORRECTIONS


def test_they_travel_without_the_file(tmp_path, events):
    path = tmp_path / "sf.json.gz"
    path.write_bytes(gzip.compress(FILE.content.encode()))
    declared = Corrections((Correction(CorrectionFile.read(path), "identification", ETA_PT, systematic="systematic"),))
    dumped = pickle.dumps(declared)
    path.unlink()
    assert b"correctionlib._core" not in dumped
    arrived = pickle.loads(dumped)
    assert arrived == declared
    assert arrived.evaluate(events).varied.tobytes() == Corrections((IDENTIFICATION,)).evaluate(events).varied.tobytes()


def declare(**changed):
    return Correction(
        **{"file": FILE, "name": "identification", "inputs": ETA_PT, "systematic": "systematic"} | changed
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "recoil"}, r"^sf.json: no correction 'recoil'; there are: .*identification.*both$"),
        (
            {"inputs": {"abs_eta": "Electrons.eta"}},
            r"^sf.json: correction 'identification' needs the input 'pt', which .*; it takes systematic, abs_eta, pt$",
        ),
        ({"systematic": ""}, "needs the input 'systematic', which is not given"),
        ({"inputs": {**ETA_PT, "phi": "Electrons.phi"}}, "has no input 'phi'; it takes systematic, abs_eta, pt$"),
        ({"systematic": "syst"}, "has no input 'syst'"),
        (
            {"variations": {"ID": Sides("upward", "down")}},
            "input 'systematic': 'upward' is not accepted; accepted: nominal, up, down$",
        ),
        ({"nominal": "central"}, "input 'systematic': 'central' is not accepted"),
        ({"name": "defaulted", "inputs": {"pt": "Electrons.pt"}}, "'up' is not accepted; accepted: nominal$"),
        (
            {"name": "both", "variations": {"ID": Sides("Up", "Down")}},
            "'Up' is not accepted; accepted: nominal, up, down",
        ),
        (
            {"systematic": "pt", "inputs": {"abs_eta": "eta", "systematic": Value("up")}},
            "input 'pt': 'nominal' is not of the type real",
        ),
        (
            {
                "name": "cms",
                "inputs": {**ETA_PT, "ValType": Value("sf")},
                "systematic": "WorkingPoint",
                "nominal": "Tight",
            },
            "input 'WorkingPoint': 'Tight' is not accepted; accepted: Medium, Loose$",
        ),
        (
            {"name": "unused", "systematic": "label", "inputs": {"pt": "pt"}},
            "input 'label' selects nothing, as no table is by it",
        ),
        ({"inputs": {**ETA_PT, "systematic": Value("up")}}, "is given and is that of the systematic, too"),
        ({"inputs": {**ETA_PT, "abs_eta": Value("0.1")}}, "'0.1' is not of the type real"),
        (
            {"name": "constant", "systematic": "", "inputs": {"year": Value("2021")}},
            "input 'year': '2021' is not accepted; accepted: 2022, 2023$",
        ),
        ({"name": "constant", "systematic": "", "inputs": {"year": "year"}}, "is a text, which is no column"),
        (
            {
                "name": "cms",
                "inputs": {**ETA_PT, "WorkingPoint": Value("Loose")},
                "systematic": "ValType",
                "nominal": "sf",
                "variations": {"SYST": Sides("systup", "systdown")},
            },
            "input 'ValType': 'systup' is not accepted; accepted: sf$",
        ),
        (
            {
                "name": "trigger",
                "inputs": {"pt": "pt"},
                "systematic": "",
                "variations": {"T": Sides("t_up", "trigger")},
            },
            "no correction 't_up'",
        ),
        (
            {
                "name": "trigger",
                "inputs": {"pt": "pt"},
                "systematic": "",
                "variations": {"T": Sides("of_eta_only", "trigger_down")},
            },
            "correction 'of_eta_only' has no input 'pt'",
        ),
    ],
)
def test_refuses_a_declaration_before_any_events(changed, message):
    with pytest.raises(InputError, match=message) as error:
        declare(**changed)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"{", "not a file of correctionlib: JSON parse error"),
        (b"[]", "not a file of correctionlib"),
        (b"\x1f\x8b\x08", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_refuses_what_is_no_file_of_correctionlib(content, message, tmp_path):
    path = tmp_path / "sf.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        CorrectionFile.read(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def one_event(**columns):
    return {"Electrons.eta": ak.Array([[0.5, 1.0], []]), "Electrons.pt": ak.Array([[50.0, 20.0], []])} | columns


@pytest.mark.parametrize(
    ("declared", "events", "message"),
    [
        (
            IDENTIFICATION,
            one_event(**{"Electrons.pt": ak.Array([[50.0, 5.0], []])}),
            "correction 'identification': Index below bounds in MultiBinning for input 'pt' val.*: 5",
        ),
        (
            IDENTIFICATION,
            one_event(**{"Electrons.eta": ak.Array([[0.5, -3.0], []])}),
            "Index above bounds in MultiBinning for input 'abs_eta' val.*: 3",
        ),
        (
            Correction(FILE, "clamped", ETA_PT, systematic="systematic"),
            one_event(**{"Electrons.pt": ak.Array([[50.0, np.nan], []])}),
            r"correction 'clamped': input 'pt': column Electrons.pt: 1 of 2 values are not numbers \(NaN\)",
        ),
        (
            IDENTIFICATION,
            one_event(**{"Electrons.pt": ak.Array([[50.0, None], []])}),
            r"input 'pt': column Electrons.pt: 1 values are missing \(None\)",
        ),
        (
            IDENTIFICATION,
            one_event(**{"Electrons.pt": ak.Array([[50.0, 20.0], None])}),
            r"input 'pt': column Electrons.pt: 1 values are missing \(None\)",
        ),
        (
            IDENTIFICATION,
            one_event(**{"Electrons.pt": ak.Array([[50.0], [20.0]])}),
            "input 'pt': Electrons.pt is of other objects than the rest",
        ),
        (PILE_UP, {"n": np.array([1.5, 2.0])}, "column n has 1.5, which is not a whole number"),
        (PILE_UP, {"n": np.array([np.inf, 2.0])}, "column n has inf, which is not a whole number"),
        (PILE_UP, {"n": np.array([1, 7])}, "correction 'pileup': Index not available in Category for input 'n' val: 7"),
        (
            PILE_UP,
            {"n": ak.Array([[[1]], []])},
            r"column n is 2 \* var \* var \* int64: expected a number, or a list of numbers, for each",
        ),
        (PILE_UP, {"n": np.array(["1"])}, "column n is not of numbers"),
        (PILE_UP, {"N": np.array([1])}, "input 'n': no column n; there are: N"),
        (
            Correction(FILE, "logarithm", {"pt": "pt"}),
            {"pt": np.array([2.0, -1.0])},
            "correction 'logarithm' is nan for pt -1: 1 of 2 weights are so",
        ),
        (
            Correction(FILE, "both", ETA_PT, systematic="systematic"),
            one_event(**{"Electrons.pt": ak.Array([[50.0, 5.0], []])}),
            "correction 'both': Index below bounds",
        ),
    ],
)
def test_events_that_a_correction_does_not_fit_are_told_in_one_line(declared, events, message):
    with pytest.raises(InputError, match=message) as error:
        Corrections((declared,)).evaluate(events)
    assert "\n" not in str(error.value)


def test_a_column_that_is_not_there_is_named(events):
    for name, told in (("Electrons.pT", "Electrons has eta, pt"), ("Muons.pt", "there are: Electrons, n")):
        with pytest.raises(InputError, match=f"input 'pt': no column {name}; {told}"):
            Corrections((Correction(FILE, "trigger", {"pt": name}),)).evaluate(events)


TABLE = """
file: sf.json
corrections:
  - name: identification
    inputs:
      abs_eta: {column: Electrons.eta, function: abs}
      pt: Electrons.pt
    systematic: systematic
  - name: trigger
    inputs: {pt: {column: Electrons.pt, times: 1.0}}
    variations:
      TRIG: {up: trigger_up, down: trigger_down}
  - name: pileup
    inputs: {n: n}
"""


@pytest.fixture
def table(tmp_path):
    correction_files.written(tmp_path)
    (tmp_path / "corrections.yaml").write_text(TABLE)
    return tmp_path / "corrections.yaml"


def test_a_table_declares_the_same(table, events):
    read = Corrections.read(table)
    assert read.variations == ALL.variations
    assert read.evaluate(events).varied.tobytes() == ALL.evaluate(events).varied.tobytes()
    assert read.required_columns() == ("Electrons.eta", "Electrons.pt", "n")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("file: sf.json", "", "corrections.yaml: correction 'identification' is in no file"),
        ("file: sf.json", "file: others.json", "others.json: cannot be read: No such file"),
        ("name: pileup", "name: pile", "sf.json: no correction 'pile'"),
        ("{n: n}", "{m: n}", "correction 'pileup' has no input 'm'; it takes n$"),
        ("{n: n}", "{n: {column: n, value: 1}}", "corrections.2.inputs.n: give either a column or a value"),
        ("{n: n}", "{n: {value: 1, times: 2.0}}", "a value has neither function nor times"),
        ("{n: n}", "{n: 7}", "input 'n': '7' is not accepted; accepted: 1, 2, 3"),
        (
            "function: abs",
            "function: square",
            "corrections.0.inputs.abs_eta.function: input should be 'abs', got 'square'",
        ),
        ("systematic: systematic", "systematics: systematic", "corrections.0.systematics: is unknown; accepted: "),
        ("corrections:", "corrections: []\nothers:", "others: is unknown; accepted: file, corrections"),
        (TABLE[TABLE.index("corrections:") :], "corrections: []", "corrections: list should have at least 1 item"),
        ("name: pileup", "name: pileup\n    name: trigger", "'name' is given twice"),
        ("up: trigger_up", "up: [trigger_up]", "corrections.1.variations.TRIG.up"),
    ],
)
def test_refuses_a_table_in_one_line(table, before, after, message):
    assert before in TABLE
    table.write_text(TABLE.replace(before, after, 1))
    with pytest.raises(InputError, match=message) as error:
        Corrections.read(table)
    assert "\n" not in str(error.value)


class Counting(coffea_processor.ProcessorABC):
    """A processor of anybody: plain coffea, plain dicts."""

    def __init__(self, corrections=""):
        self.corrections = Corrections.read(corrections)

    @property
    def required_columns(self):
        return self.corrections.required_columns()

    def process(self, events):
        weights = self.corrections.evaluate(events)
        return {name: float(weight.sum()) for name, weight in weights.items()}


STOCK = """
file: sf.json
corrections:
  - name: trigger
    inputs: {pt: {column: ReconstructedParticles.px, function: abs}}
    variations:
      TRIG: {up: trigger_up, down: trigger_down}
"""


@pytest.fixture
def stock(table):
    table.write_text(STOCK)
    return table


def test_any_processor_may_have_them(stock, shipped_file):
    found = hepcol.run(Counting(str(stock)), shipped_file, chunksize=10_000).result
    momenta = abs(hepcol.open_events(shipped_file).ReconstructedParticles.px)
    for name, key in (("nominal", "trigger"), ("TRIG__1up", "trigger_up")):
        weights = BY_HAND[key].evaluate(ak.flatten(momenta))
        expected = ak.prod(ak.unflatten(weights, ak.num(momenta)), axis=1)
        assert found[name] == pytest.approx(float(ak.sum(expected)), rel=1e-12)


def test_events_outside_the_bins_of_all_chunks_are_told_in_one_line_each(stock, shipped_file, capsys, tmp_path):
    of_eta = "abs_eta: {value: 9.0}, pt: {column: ReconstructedParticles.px, function: abs}"
    declared = f"{{name: identification, inputs: {{{of_eta}}}, systematic: systematic}}"
    stock.write_text(f"file: sf.json\ncorrections: [{declared}]\n")
    arguments = ["run", f"{__file__}:Counting", str(shipped_file), "-p", f"corrections={stock}"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "-o", str(tmp_path / "out")])
    assert ended.value.code == 3
    shown = capsys.readouterr().out
    assert "identification': Index above bounds in MultiBinning for input 'abs_eta'" in shown
    assert "Traceback" not in shown
    assert "not written" not in shown


def test_a_file_without_a_column_is_refused_when_it_is_opened(stock, shipped_file):
    stock.write_text(STOCK.replace(".px", ".momentum"))
    with pytest.raises(InputError, match=r"has no column ReconstructedParticles.momentum"):
        hepcol.run(Counting(str(stock)), shipped_file)


def test_content_of_the_table_and_of_its_files_is_what_a_run_depends_on(stock, monkeypatch):
    monkeypatch.chdir(stock.parent)
    before = identify(Counting("corrections.yaml"), {})
    assert differences(before, identify(Counting("corrections.yaml"), {})) == []
    monkeypatch.chdir("/")  # the same from another folder
    assert differences(before, identify(Counting(str(stock)), {})) == []
    content = json.loads(json.dumps(correction_files.CONTENT).replace("0.85", "0.86"))
    correction_files.written(stock.parent, content=content)
    [changed] = differences(before, identify(Counting(str(stock)), {}))
    assert changed.startswith(f"content of files: {stock.parent / 'sf.json'} was")
    stock.write_text(STOCK.replace("TRIG", "TRIGGER"))
    assert len(differences(before, identify(Counting(str(stock)), {}))) == 2


def test_corrections_that_were_declared_in_python_are_told_apart():
    def told(correction):
        made = Counting()
        made.corrections = Corrections((correction,))
        return identify(made, {})

    other = CorrectionFile("sf.json", FILE.content.replace("0.85", "0.86"))
    assert differences(told(TRIGGER), told(TRIGGER)) == []
    [changed] = differences(
        told(TRIGGER), told(Correction(other, "trigger", TRIGGER.inputs, variations=TRIGGER.variations))
    )
    assert changed.startswith("options: corrections was Corrections")
