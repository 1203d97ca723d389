import awkward as ak
import numpy as np
import pytest

from hepcol.errors import InputError
from hepcol.events import open_events
from hepcol.graphs import Constituents, build

PFNANO = "pfnano.root"


@pytest.fixture(scope="module")
def pfnano(shared_data):
    return open_events(shared_data / PFNANO)


def links_followed(events, n_jets):
    """Constituents of each leading jet as loops over records find them."""
    found = []
    for event in events:
        by_pt = sorted(range(len(event.FatJet.pt)), key=lambda jet: -event.FatJet.pt[jet])
        for jet in by_pt[:n_jets]:
            mine = [
                int(candidate)
                for of, candidate in zip(event.FatJetPFCands.jetIdx, event.FatJetPFCands.pFCandsIdx, strict=True)
                if of == jet
            ]
            found.append([float(event.PFCands.pt[candidate]) for candidate in mine])
    return found


@pytest.mark.parametrize("jets", [None, 1, 2])
def test_follows_the_links_of_pfnano(pfnano, jets):
    taken = Constituents.from_events(pfnano, jets=jets, columns=("pdgId",))
    expected = links_followed(pfnano, jets)
    assert ak.unflatten(taken.pt, np.diff(taken.offsets)).to_list() == expected
    assert taken.lost_links == 0
    assert taken.jets["event"].tolist() == np.asarray(pfnano.event)[taken.jets["row"]].tolist()
    assert set(np.abs(taken.columns["pdgId"])) <= {1, 2, 11, 13, 22, 130, 211}


def test_the_real_file_has_24_graphs_of_848_nodes(pfnano):
    graphs = build(Constituents.from_events(pfnano, jets=None))
    assert (len(graphs), graphs.nodes, graphs.edges) == (24, 848, 19324)


def test_jets_are_taken_by_pt_and_not_by_place():
    jet_pt = np.array([10.0, 30.0, 20.0, 30.0, np.nan])
    from hepcol.kernels.constituents import leading

    offsets = np.array([0, 5, 5])
    for n_jets, expected in ((2, [1, 3]), (3, [1, 3, 2]), (-1, [1, 3, 2, 0, 4])):
        chosen, found = leading(jet_pt, offsets, n_jets)
        assert chosen.tolist() == expected
        assert found.tolist() == [0, len(expected), len(expected)]


def test_links_that_lead_nowhere_are_counted_and_not_followed():
    events = ak.Array(
        {
            "FatJet": ak.zip({name: [[100.0, 50.0], [70.0]] for name in ("pt", "eta", "phi", "mass")}),
            "FatJetPFCands": ak.zip({"jetIdx": [[1, 0, 0, 2, 0], [0, -1]], "pFCandsIdx": [[0, 2, 1, 0, 3], [0, 0]]}),
            "PFCands": ak.zip({name: [[1.0, 2.0, 3.0], [4.0]] for name in ("pt", "eta", "phi", "mass")}),
        }
    )
    taken = Constituents.from_events(events)
    assert ak.unflatten(taken.pt, np.diff(taken.offsets)).to_list() == [[3.0, 2.0], [1.0], [4.0]]
    assert taken.lost_links == 3
    assert taken.jets["row"].tolist() == [0, 0, 1]
    assert taken.jets["jet"].tolist() == [0, 1, 0]


def test_nested_and_flat_arrays_are_the_same():
    record = {"pt": 3.0, "eta": 0.1, "phi": 0.2, "mass": 0.5, "charge": -1}
    by_event = ak.Array([[[record, record], []], [], [[record], [record], [record]]])
    taken = Constituents.from_awkward(by_event, jets=2)
    assert taken.offsets.tolist() == [0, 2, 2, 3, 4]
    assert taken.jets["row"].tolist() == [0, 0, 2, 2]
    assert taken.jets["jet"].tolist() == [0, 1, 0, 1]
    assert taken.columns["charge"].tolist() == [-1] * 4
    by_jet = Constituents.from_awkward(by_event[2])
    assert by_jet.offsets.tolist() == [0, 1, 2, 3]
    flat = Constituents(taken.pt, taken.eta, taken.phi, taken.offsets, taken.mass, taken.columns, taken.jets)
    assert build(flat).is_equal(build(taken))


def test_masses_below_0_by_rounding_are_0():
    pt, eta = np.array([100.0, 1.0]), np.array([2.0, 0.0])
    taken = Constituents(pt, eta, eta, np.array([0, 2]), np.array([-0.01, 0.1]))
    assert taken.mass.tolist() == [0.0, 0.1]
    with pytest.raises(InputError, match=r"mass of constituent 1 of jet 0 is -0\.1 GeV, expected at least 0"):
        Constituents(pt, eta, eta, np.array([0, 2]), np.array([-0.01, -0.1]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pt": [1, np.nan]}, "pt of constituent 1 of jet 0 is nan, expected a finite number"),
        ({"eta": [np.inf, 0]}, "eta of constituent 0 of jet 0 is inf"),
        ({"pt": [1, -2]}, "pt of constituent 1 of jet 0 is -2.0 GeV, expected at least 0"),
        ({"pt": [1, 1e300]}, "eta of constituent 1 of jet 0 is 0.0, with pt 1e+300 GeV; expected a momentum pt cosh"),
        ({"eta": [0, 800]}, "eta of constituent 1 of jet 0 is 800.0, with pt 2.0 GeV; expected a momentum pt cosh"),
        ({"pt": [0, 2], "eta": [1e39, 0]}, "eta of constituent 0 of jet 0 is 1e+39, expected at most 8.5e+37"),
        ({"phi": [0, -1e300]}, "phi of constituent 1 of jet 0 is -1e+300 rad, expected at most 1.04858e+06 rad"),
        ({"mass": [0, 1e30]}, "mass of constituent 1 of jet 0 is 1e+30 GeV, expected at most 1.8e+19 GeV"),
        ({"mass": [0, np.inf]}, "mass of constituent 1 of jet 0 is inf, expected a finite number"),
        ({"phi": [0]}, r"column phi of constituents has the shape (1,), expected (2,)"),
        ({"offsets": [0, 3, 2]}, "offsets of constituents must begin with 0 and not decrease"),
        ({"offsets": [1, 2]}, "offsets of constituents must begin with 0"),
        ({"columns": {"charge": np.zeros(3)}}, "column charge of constituents has the shape"),
        ({"jets": {"event": np.zeros(3)}}, "column event of jets has the shape (3,), expected (1,)"),
    ],
)
def test_refuses_columns_that_do_not_fit(changes, said):
    given = {"pt": [1, 2], "eta": [0, 0], "phi": [0, 0], "offsets": [0, 2]} | changes
    arrays = {name: value if isinstance(value, dict) else np.array(value, float) for name, value in given.items()}
    with pytest.raises(InputError) as error:
        Constituents(**arrays)
    assert said in str(error.value)


def test_any_numbers_are_momenta():
    given = {"pt": [3, 2, 1], "eta": [0, 1, 2], "phi": [2, 1, 0], "mass": [0, 1, 0]}
    whole = build(Constituents(**given, offsets=[0, 3]))
    for kind in (np.int8, np.uint16, np.float16, np.float32, np.longdouble):
        assert build(Constituents(**{name: np.array(x, kind) for name, x in given.items()}, offsets=[0, 3])).is_equal(
            whole
        )


def test_lists_and_none_are_said_in_one_line():
    assert len(Constituents([1, 2], [0, 0], [0, 0], [0, 2], [0, 0])) == 1
    with pytest.raises(InputError, match=r"mass of constituent 0 of jet 0 is -1.0 GeV, expected at least 0"):
        Constituents([1, 2], [0, 0], [0, 0], [0, 2], [-1, 0])
    with pytest.raises(InputError, match="column pt of constituents has the type object, expected numbers"):
        Constituents([1, None], [0, 0], [0, 0], [0, 2])


def test_what_was_checked_stays_as_it_is():
    given = {"pt": np.array([3.0, 1e-320]), "eta": np.zeros(2), "phi": np.zeros(2), "offsets": np.array([0, 2])}
    jets = Constituents(**given, mass=np.array([-1e-9, 0]))
    assert given["pt"][1] > 0
    for name, column in given.items():
        column[:] = -1
        with pytest.raises(ValueError, match="read-only"):
            getattr(jets, name)[0] = -1
    assert jets.offsets.tolist() == [0, 2]
    assert jets.pt.tolist() == [3, 0]
    assert build(jets).feature("pt").tolist() == [3, 0]


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_names_the_event_of_what_it_refuses(pfnano, value):
    fields = {name: pfnano[name] for name in ("FatJet", "FatJetPFCands", "PFCands", "run", "event")}
    candidates = {name: pfnano.PFCands[name] for name in ("pt", "eta", "phi", "mass")}
    jets = Constituents.from_events(pfnano)
    jet = 5
    position = jets.offsets[jet] + 2
    row = jets.jets["row"][jet]
    pt = jets.pt[position]
    spoilt = ak.where((candidates["pt"] == pt) & (np.arange(len(pfnano)) == row), value, candidates["pt"])
    events = ak.zip({**fields, "PFCands": ak.zip(candidates | {"pt": spoilt})}, depth_limit=1)
    said = f"pt of constituent 2 of jet {jets.jets['jet'][jet]} of"
    identity = rf"\(run {pfnano.run[row]}, event {pfnano.event[row]}\) is {value}"
    with pytest.raises(InputError, match=f"{said} row {row} {identity}"):
        Constituents.from_events(events)
    metadata = {"entrystart": 1000, "entrystop": 1000 + len(events)}
    behaved = ak.with_name(ak.with_parameter(events, "metadata", metadata), "NanoEvents", behavior=pfnano.behavior)
    with pytest.raises(InputError, match=f"{said} entry {1000 + row} {identity}"):
        Constituents.from_events(behaved)


@pytest.mark.parametrize(("array", "graphs"), [([], 0), ([[], []], 2), ([[[], []], []], 2)])
def test_arrays_without_any_constituent_have_graphs_without_nodes(array, graphs):
    made = build(ak.Array(array))
    assert (len(made), made.nodes, made.edges) == (graphs, 0, 0)


RECORD = {"pt": 1.0, "eta": 2.0, "phi": 3.0}


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ([[RECORD]], "constituents are a list; expected hepcol.graphs.Constituents or an awkward array, jets * var *"),
        (np.zeros(3), "constituents are a ndarray; expected hepcol.graphs.Constituents or an awkward array"),
        (ak.Array([[RECORD, None]]), "expected none that is None"),
        (ak.Array([[RECORD], None]), "expected none that is None"),
        (ak.Array([[RECORD | {"pt": None}, RECORD]]), "expected none that is None"),
        (ak.Array([[RECORD | {"phi": None}, RECORD]]), "field phi of constituents: expected a number for each, and no"),
        (
            ak.Array([[RECORD | {"phi": "x"}]]),
            "field phi of constituents has the type 1 * var * string, expected a num",
        ),
        (ak.Array([1.0, 2.0]), "expected jets * var"),
        (ak.Array([[{"pt": 1.0, "eta": 2.0}]]), "constituents have no field phi; they have pt, eta"),
    ],
)
def test_refuses_arrays_that_are_no_constituents(array, said):
    with pytest.raises(InputError) as error:
        Constituents.from_awkward(array)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_refuses_collections_and_columns_that_are_not_there(pfnano):
    with pytest.raises(InputError, match="jets must be one of FatJet, Jet, GenJetAK8, GenJet, got 'LargeR'"):
        Constituents.from_events(pfnano, "LargeR")
    with pytest.raises(InputError, match="candidates PFCands have no column flavour; they have charge"):
        Constituents.from_events(pfnano, columns=("flavour",))
    with pytest.raises(InputError, match="the events have no collection FatJetPFCands, which holds the jets FatJet"):
        Constituents.from_events(pfnano[["FatJet", "PFCands"]])
