import pickle

import awkward as ak
import numpy as np
import pytest

import hepcol
from hepcol.errors import InputError
from hepcol.expression import Expression, mask_of


@pytest.fixture
def events():
    electrons = ak.zip({"pt": [[30.0, 20.0], [], [50.0]], "charge": [[1, -1], [], [1]]})
    return ak.Array({"Electron": electrons, "met": [10.0, 20.0, 30.0], "number": [1, 2, 3], "ok": [True, False, True]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("met", [10.0, 20.0, 30.0]),
        ("-met + 2 * number ** 2", [-8.0, -12.0, -12.0]),
        ("number % 2 == 1", [True, False, True]),
        ("10 < met <= 30", [False, True, True]),
        ("met > 10 and not ok", [False, True, False]),
        ("ok or number == 2", [True, True, True]),
        ("not number", [False, False, False]),
        ("number in (1, 3)", [True, False, True]),
        ("number not in [2]", [True, False, True]),
        ("any(Electron.pt > 25)", [True, False, True]),
        ("all(Electron.pt > 25)", [False, True, True]),
        ("count(Electron.pt > 25)", [1, 0, 1]),
        ("num(Electron.pt)", [2, 0, 1]),
        ("sum(Electron.pt)", [50.0, 0.0, 50.0]),
        ("max(Electron.pt)", [30.0, None, 50.0]),
        ("Electron.pt[0]", [30.0, None, 50.0]),
        ("Electron[1].pt", [20.0, None, None]),
        ("sum(Electron.charge) == 0", [True, True, False]),
        ("sqrt(met * met)", [10.0, 20.0, 30.0]),
        ("where(ok, met, 0)", [10.0, 0.0, 30.0]),
        ("maximum(met, 15)", [15.0, 20.0, 30.0]),
        ("column('met') > 10", [False, True, True]),
        ("1 < 2", True),
    ],
)
def test_evaluates_as_python_does_of_each_event(events, text, expected):
    value = Expression(text).evaluate(events)
    assert (value.to_list() if isinstance(value, ak.Array) else value) == expected


def test_what_is_missing_does_not_pass(events):
    assert Expression("max(Electron.pt) > 25").mask(events).tolist() == [True, False, True]
    assert Expression("not (Electron.pt[0] > 40)").mask(events).tolist() == [True, False, False]
    assert Expression("1 < 2").mask(events).tolist() == [True, True, True]


def test_objects_have_what_vectors_have(shipped_file):
    events = hepcol.open_events(shipped_file, stop=100)
    pair = Expression("(ReconstructedParticles[0] + ReconstructedParticles[1]).mass").evaluate(events)
    particles = ak.pad_none(events.ReconstructedParticles, 2)
    expected = (particles[:, 0] + particles[:, 1]).mass
    assert pair.to_list() == expected.to_list()
    assert 80 < ak.mean(pair) < 100


def test_names_the_columns_that_it_needs():
    text = "any(Electron.pt > 25) and abs(met) > column('a-b') and Muon[0].pt > Electron.pt[1]"
    assert Expression(text).columns == ("Electron.pt", "met", "a-b", "Muon")


def test_travels(events):
    assert pickle.loads(pickle.dumps(Expression("met > 10"))).mask(events).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("met >", "invalid syntax"),
        ("", "invalid syntax"),
        ("__import__('os')", "there is no function '__import__'"),
        ("met.__class__", "'met.__class__' is not accepted"),
        ("open('a')", "there is no function 'open'"),
        ("[x for x in met]", "is not accepted"),
        ("lambda: met", "is not accepted"),
        ("met if ok else 0", "is not accepted"),
        ("'text'", "is not accepted"),
        ("met[-1]", "is not accepted"),
        ("met[0:1]", "is not accepted"),
        ("any(met, met)", "any takes one argument"),
        ("sqrt(x=met)", "sqrt takes arguments by position"),
        ("met in ok", "after 'in' comes a tuple or list of numbers"),
        ("column(met)", "column takes a name in quotes"),
        ("met @ ok", "MatMult"),
    ],
)
def test_refuses_what_is_no_expression(text, reason):
    with pytest.raises(InputError) as refused:
        Expression(text)
    assert reason in str(refused.value)
    assert "accepted are columns" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing > 1", "no column 'nothing'; there are Electron, met, number, ok"),
        ("Electron.phi > 1", "no column 'Electron.phi'; Electron has pt, charge"),
        ("any(met > 1)", "there is one value for each event, no list"),
    ],
)
def test_names_the_column_that_is_not_there(events, text, reason):
    with pytest.raises(InputError, match=f"^expression '.*: .*{reason}"):
        Expression(text).evaluate(events)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Electron.pt > 25", r"got var \* bool: any\(...\) or all\(...\) makes one of many"),
        ("met", "got float64"),
        ("3", "got one value"),
    ],
)
def test_a_cut_is_true_or_false_for_each_event(events, text, reason):
    with pytest.raises(InputError, match=f"^cut '.*': expected true or false for each of 3 events, {reason}$"):
        Expression(text).mask(events)


def test_a_mask_has_as_many_values_as_there_are_events():
    assert mask_of(np.array([True, False]), 2, "cut").tolist() == [True, False]
    with pytest.raises(InputError, match="expected true or false for each of 3 events, got 2 values"):
        mask_of(np.array([True, False]), 3, "cut")
