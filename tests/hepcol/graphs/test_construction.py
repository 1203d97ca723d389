import itertools
import json
import math
import tracemalloc

import awkward as ak
import numpy as np
import pytest
import vector
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from hepcol.errors import InputError
from hepcol.events import open_events
from hepcol.graphs import Constituents, JetGraphs, Recipe, build
from samples.catalogue import JETS_QCD, JETS_WPRIME
from tests.data.graphs import make_golden
from tests.hepcol.graphs.toys import toy_jets

MOMENTA = ("pt", "eta", "phi", "mass")


@pytest.fixture(scope="module")
def jets():
    return toy_jets()


def of_graph(graphs, i):
    """Features of one graph as doubles, by name."""
    rows = graphs.x[graphs.ptr[i] : graphs.ptr[i + 1]].astype(np.float64)
    return dict(zip(graphs.recipe.node_features, rows.T, strict=True))


def distances(eta, phi):
    """All distances in double precision, azimuths wrapped by the remainder that IEEE defines."""
    d_phi = np.array([[math.remainder(a - b, 2 * math.pi) for b in phi] for a in phi]).reshape(len(phi), len(phi))
    return np.hypot(eta[:, None] - eta[None, :], d_phi)


def edges_of(graphs, i):
    return set(graphs.adjacency(i))


@pytest.mark.parametrize("transform", ["none", "center_rotate_flip", "reference_boost"])
def test_joins_what_a_search_of_all_pairs_joins(jets, transform):
    graphs = build(jets, transform=transform, r=0.4)
    joined = straddling = 0
    for i in range(len(graphs)):
        nodes = of_graph(graphs, i)
        separation = distances(nodes["eta"], nodes["phi"])
        near = separation < 0.4
        np.fill_diagonal(near, False)
        doubtful = np.abs(separation - 0.4) < 1e-6
        got = np.zeros_like(near)
        for source, target in edges_of(graphs, i):
            got[source, target] = True
        assert np.array_equal(got | doubtful, near | doubtful)
        joined += int(got.sum())
        straddling += int((got & (np.abs(nodes["phi"][:, None] - nodes["phi"][None, :]) > math.pi)).sum())
        attribute = graphs.edge_attr[graphs.edge_ptr[i] : graphs.edge_ptr[i + 1], 0]
        expected = [separation[s, t] for s, t in graphs.adjacency(i)]
        assert np.allclose(attribute, expected, rtol=1e-6, atol=1e-7)
    assert joined > 10_000
    assert transform != "none" or straddling > 500  # across phi = pi


def test_neighbours_are_those_of_a_tree(jets):
    k = 7
    graphs = build(jets, edges="knn", k=k, undirected=False)
    for i in range(len(graphs)):
        nodes = of_graph(graphs, i)
        n = len(nodes["pt"])
        edges = edges_of(graphs, i)
        assert len(edges) == n * min(k, max(n - 1, 0))
        if n < 2:
            continue
        # a copy of each node on the other side: the tree knows no azimuth
        positions = [np.stack([nodes["eta"], nodes["phi"] + turn], axis=1) for turn in (0, 2 * math.pi, -2 * math.pi)]
        found, _ = cKDTree(np.concatenate(positions)).query(positions[0], k=min(k, n - 1) + 1)
        separation = distances(nodes["eta"], nodes["phi"])
        for node in range(n):
            mine = sorted(separation[s, t] for s, t in edges if t == node)
            assert all(source != node for source, target in edges if target == node)
            assert np.allclose(mine, np.sort(found[node])[1:], atol=1e-9)


def test_undirected_neighbours_are_joined_back(jets):
    directed, undirected = (build(jets, edges="knn", k=3, undirected=choice) for choice in (False, True))
    for i in range(len(directed)):
        one_way = edges_of(directed, i)
        assert edges_of(undirected, i) == one_way | {(target, source) for source, target in one_way}


def test_edges_come_by_target_then_source(jets):
    graphs = build(jets, self_loops=True)
    for i in range(len(graphs)):
        listed = [(target, source) for source, target in graphs.adjacency(i)]
        assert listed == sorted(set(listed))
        assert {(n, n) for n in range(graphs.ptr[i + 1] - graphs.ptr[i])} <= set(listed)


@pytest.mark.parametrize(("edges", "number"), [("full", 40 * 39), ("none", 0)])
def test_joins_all_or_nothing(jets, edges, number):
    graphs = build(jets, edges=edges)
    assert np.diff(graphs.edge_ptr)[4] == number
    assert np.diff(graphs.edge_ptr)[:3].tolist() == ([0, 0, 2] if edges == "full" else [0, 0, 0])


def test_more_nodes_than_bits_in_a_word():
    jets = toy_jets(30, most=200)
    graphs = build(jets, nmax=None)
    assert np.array_equal(np.diff(graphs.ptr), np.diff(jets.offsets))
    for i in (4, 10, 20):
        nodes = of_graph(graphs, i)
        near = distances(nodes["eta"], nodes["phi"]) < 0.4
        np.fill_diagonal(near, False)
        assert edges_of(graphs, i) == set(zip(*map(np.ndarray.tolist, np.nonzero(near)), strict=True))


@pytest.mark.parametrize("n", [5, 8, 9, 30, 64, 70, 130])
@pytest.mark.parametrize("undirected", [False, True])
def test_of_equally_near_nodes_the_first_are_neighbours(n, undirected):
    k = 7
    rng = np.random.default_rng(n)
    eta, phi = rng.integers(-2, 3, (2, n)) * 0.25  # a lattice, whose squared distances are exact
    jets = Constituents(np.arange(n, 0.0, -1.0), eta, phi, [0, n])
    graphs = build(jets, edges="knn", k=k, nmax=None, undirected=undirected)
    expected = set()
    for node in range(n):
        squares = (eta - eta[node]) ** 2 + (phi - phi[node]) ** 2
        squares[node] = math.inf
        for other in np.argsort(squares, kind="stable")[: min(k, n - 1)].tolist():
            expected |= {(other, node), (node, other)} if undirected else {(other, node)}
    assert edges_of(graphs, 0) == expected


@pytest.mark.parametrize("options", [{}, {"edges": "knn", "undirected": False}, {"self_loops": True}])
def test_features_of_an_edge_do_not_depend_on_the_other_edges(options):
    """One way or both ways, with few nodes or more than bits in a word."""
    jets = toy_jets(30, most=200)
    features = {"edge_features": ("dr", "lnkt", "lnz", "lnm2"), "nmax": None}
    graphs, full = build(jets, **features, **options), build(jets, **features, edges="full", self_loops=True)
    for i in (4, 10, 20):
        n = graphs.ptr[i + 1] - graphs.ptr[i]
        of_all = full.edge_attr[full.edge_ptr[i] : full.edge_ptr[i + 1]].reshape(n, n, -1)
        some = slice(graphs.edge_ptr[i], graphs.edge_ptr[i + 1])
        source, target = graphs.edge_index[:, some]
        assert len(source) > n
        assert np.allclose(graphs.edge_attr[some], of_all[target, source], rtol=2e-7, atol=0)


def test_takes_the_hardest_in_the_order_of_the_record():
    pt = [1.0, 5.0, 2.0, 5.0, 2.0, 9.0]
    jets = Constituents(*np.array([pt, range(6), [0.0] * 6]), np.array([0, 6]))
    assert build(jets, nmax=4).feature("eta").tolist() == [5, 1, 3, 2]
    assert build(jets, nmax=None).feature("eta").tolist() == [5, 1, 3, 2, 4, 0]
    assert build(jets, nmax=1).feature("pt").tolist() == [9]


@pytest.mark.parametrize("transform", ["none", "center", "center_rotate_flip", "reference_boost", "fixed_mpt"])
def test_few_constituents_are_exact(transform):
    pt, eta, phi = [30.0, 50.0, 10.0], [1.5, 0.3, 0.5], [3.0, 3.1, -3.1]
    jets = Constituents(*np.array([pt, eta, phi]), np.array([0, 0, 1, 3, 3]))
    graphs = build(jets, transform=transform, r=4)
    assert np.diff(graphs.ptr).tolist() == [0, 1, 2, 0]
    assert np.diff(graphs.edge_ptr).tolist() == [0, 0, 2, 0]
    alone = {name: value[0] for name, value in of_graph(graphs, 1).items()}
    two = of_graph(graphs, 2)
    assert np.isfinite(graphs.x).all()
    assert np.isfinite(graphs.edge_attr).all()
    assert two["pt"][0] > two["pt"][1]
    if transform == "none":
        assert alone == {"pt": 30, "eta": 1.5, "phi": 3}
    elif transform == "reference_boost":  # without a mass, all of the energy is along the axis
        assert alone == pytest.approx({"pt": 1, "eta": 0, "phi": 0}, abs=1e-7)
        assert two["phi"][0] == pytest.approx(0, abs=1e-7)
        assert two["eta"][0] > 0 > two["eta"][1]
    else:
        assert (alone["pt"], alone["eta"], alone["phi"]) == pytest.approx((30, 0, 0), abs=1e-7)
    if transform == "center_rotate_flip":  # along phi, the harder one at positive phi, the centre of pt at 0
        apart = math.hypot(0.2, 2 * math.pi - 6.2)
        assert two["eta"] == pytest.approx([0, 0], abs=1e-7)
        assert two["phi"] == pytest.approx([apart / 6, -apart * 5 / 6], rel=1e-6)


def test_centre_is_where_pt_is(jets):
    graphs = build(jets, transform="center", nmax=None)
    for i in range(len(graphs)):
        nodes = of_graph(graphs, i)
        if len(nodes["pt"]):
            assert np.average(nodes["eta"], weights=nodes["pt"]) == pytest.approx(0, abs=1e-6)
            assert np.average(nodes["phi"], weights=nodes["pt"]) == pytest.approx(0, abs=1e-6)


def test_principal_axis_is_along_phi_and_most_pt_is_positive(jets):
    graphs = build(jets, transform="center_rotate_flip", nmax=None)
    centred = build(jets, transform="center", nmax=None)
    for i in range(len(graphs)):
        nodes, before = of_graph(graphs, i), of_graph(centred, i)
        n = len(nodes["pt"])
        if n < 3:
            continue
        positions = np.stack([nodes["eta"], nodes["phi"]])
        covariance = np.cov(positions, aweights=nodes["pt"])
        assert covariance[1, 1] >= covariance[0, 0]
        assert covariance[0, 1] == pytest.approx(0, abs=1e-5 * covariance[1, 1])
        quadrant = {
            (y, x): nodes["pt"][((nodes["eta"] >= 0) == y) & ((nodes["phi"] >= 0) == x)].sum()
            for y in (True, False)
            for x in (True, False)
        }
        assert quadrant[True, True] == max(quadrant.values())
        assert np.allclose(np.hypot(*positions), np.hypot(before["eta"], before["phi"]), atol=1e-6)


def momenta(nodes):
    return vector.array({name: nodes[name] for name in MOMENTA})


def total(momentum):
    return vector.obj(**{name: float(getattr(momentum, name).sum()) for name in ("px", "py", "pz", "E")})


def pair_masses(momentum):
    return np.array([[(a + b).mass for b in momentum] for a in momentum])


@pytest.mark.parametrize("transform", ["reference_boost", "fixed_mpt"])
def test_boosts_are_those_of_vector(transform):
    """Momenta of jets are summed, boosted and multiplied by the package vector."""
    jets = toy_jets(30, most=20)
    options = {"nmax": None, "node_features": MOMENTA}
    frame = {"mpt": 0.7} if transform == "fixed_mpt" else {"reference_mass": 0.3, "reference_energy": 2.0}
    before, after = build(jets, **options), build(jets, transform=transform, **options, **frame)
    checked = 0
    for i in range(len(after)):
        old = momenta(of_graph(before, i))
        if len(old) < 3:
            continue
        new = momenta(of_graph(after, i))
        jet, boosted = total(old), total(new)
        scale = 1.0
        if transform == "reference_boost":
            scale = 0.3 / jet.mass
            assert (boosted.mass, boosted.energy) == pytest.approx((0.3, 2.0), rel=1e-4)
            assert (boosted.eta, boosted.phi) == pytest.approx((0, 0), abs=1e-4)
            assert new.phi[0] == pytest.approx(0, abs=1e-6)
            assert new.eta[0] > 0
            assert new.phi[1] >= 0
        else:
            expected = _boosted(old, jet, 0.7)
            assert new.pt == pytest.approx(expected.pt, rel=1e-4, abs=1e-5)
            assert new.eta == pytest.approx(expected.eta - jet.eta, abs=1e-4)
            assert np.cos(new.phi) == pytest.approx(np.cos(expected.phi - jet.phi), abs=1e-4)
            assert np.sin(new.phi) == pytest.approx(np.sin(expected.phi - jet.phi), abs=1e-4)
        # masses of pairs are what no boost or rotation changes
        if transform == "reference_boost":
            expected = scale * pair_masses(old)
            assert np.allclose(pair_masses(new), expected, rtol=2e-2, atol=3e-3 * expected.max())
        checked += 1
    assert checked > 20


def _boosted(momentum, jet, mpt):
    """Boost to the rest frame of the jet, and out along its direction to the momentum with which m / pt is ``mpt``."""
    wanted = jet.mass / mpt * jet.p / jet.pt
    beta = wanted / math.hypot(wanted, jet.mass)
    axis = jet.to_Vector3D().unit()
    at_rest = momentum.boostCM_of(jet)
    return at_rest.boost_beta3(axis * beta)


@pytest.mark.parametrize("sample", [JETS_QCD, JETS_WPRIME])
def test_an_event_turned_about_the_beam_gives_the_same_nodes(sample):
    """Also where the two hardest constituents have one direction, and a third tells the mirror."""
    jets = Constituents.from_events(open_events(sample.path))
    turned = Constituents(jets.pt, jets.eta, jets.phi.astype(float) + 0.7, jets.offsets, jets.mass)
    one, other = (build(each, transform="reference_boost", edges="none") for each in (jets, turned))
    assert one.nodes > 50_000
    difference = np.abs(one.x - other.x)
    difference[:, 2] = np.minimum(difference[:, 2], np.abs(2 * math.pi - difference[:, 2]))
    assert difference.max() < 1e-5
    off_line = [of_graph(one, i)["phi"] for i in range(len(one))]
    first = np.array([phi[np.abs(phi) > 1e-6][0] for phi in off_line if (np.abs(phi) > 1e-6).any()])
    assert len(first) > 1900
    assert (first > 0).all()


# some back to back, so that momenta across cancel
MOMENTUM = st.tuples(
    st.one_of(st.just(0.0), st.floats(0, 1e-30), st.floats(0, 1e4), st.floats(0, 2.0**64)),
    st.one_of(st.floats(-5, 5), st.floats(-200, 200), st.floats(-(2.0**126), 2.0**126)),
    st.one_of(st.floats(-4, 4), st.sampled_from([0.0, 1.0, 1.0 + math.pi, 1.0 - math.pi]), st.floats(-1e6, 1e6)),
    st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 2.0**64)),
)


@pytest.mark.parametrize("transform", make_golden.TRANSFORMS)
@pytest.mark.parametrize("edges", [{"edges": "knn", "k": 3}, {"edges": "full", "self_loops": True}])
@settings(max_examples=150)
@given(st.lists(MOMENTUM, max_size=12))
def test_of_finite_momenta_everything_is_finite(transform, edges, momenta):
    """What is not too large for single precision, or without pt, wherever it points."""
    momenta = [one for one in momenta if one[0] < 2.0**-126 or abs(one[1]) < 170]
    momenta = [one for one in momenta if one[0] < 2.0**-126 or one[0] * math.cosh(one[1]) < 2.0**64]
    pt, eta, phi, mass = np.array(momenta, dtype=float).reshape(-1, 4).T
    # of a frame along another axis, energies of what is far from it are too large
    wild = len(pt) and np.abs(eta[pt >= 2.0**-126]).max(initial=0) > 20
    names = make_golden.FEATURES["node_features"]
    options = make_golden.FEATURES | ({"node_features": names.replace("energy,lnpt,lnenergy", "lnpt")} if wild else {})
    graphs = build(Constituents(pt, eta, phi, [0, len(pt)], mass), transform=transform, **edges, **options)
    assert graphs.nodes == len(pt)
    assert np.isfinite(graphs.x).all()
    assert np.isfinite(graphs.edge_attr).all()


@pytest.mark.parametrize("transform", make_golden.TRANSFORMS)
def test_what_has_no_pt_changes_nothing_wherever_it_is(transform):
    pt, eta, phi = np.array([[10.0, 8.0, 3.0], [0.1, 0.2, -0.1], [0.0, 0.1, 0.3]])
    options = {"transform": transform, **make_golden.FEATURES}
    alone = build(Constituents(pt, eta, phi, [0, 3]), **options)
    beside = build(Constituents(*(np.append(a, b) for a, b in ((pt, 0), (eta, 1e10), (phi, 0.3))), [0, 4]), **options)
    assert np.array_equal(beside.x[:3], alone.x)
    assert np.isfinite(beside.x).all()
    assert (beside.x[3, [0, 4]] == 0).all()


def test_mass_of_what_has_no_pt_is_the_same_wherever_it_is():
    squares = []
    for eta in (0.2, 1e10):
        jets = Constituents([10.0, 0.0], [0.2, eta], [0.1, 0.1], [0, 2], [0.3, 0.5])
        squares.append(build(jets, edges="full", edge_features="lnm2").edge_attr)
    energy = math.sqrt(math.pow(10 * math.cosh(0.2), 2) + 0.09)
    assert squares[0] == pytest.approx(math.log(0.09 + 0.25 + 2 * energy * 0.5), rel=1e-6)
    assert np.array_equal(squares[0], squares[1])


def test_a_feature_that_overflows_in_a_frame_is_refused_by_name():
    jets = Constituents([1e-37] * 6, [130] * 5 + [-130], [0.1] * 6, [0, 6])
    with pytest.raises(InputError, match="node feature energy of constituent 5 of jet 0 is inf in the frame center,"):
        build(jets, transform="center", node_features="pt,energy")
    assert np.isfinite(build(jets, transform="center").x).all()


def test_neighbours_are_nodes_that_are_there():
    """Of stored nodes some may be infinitely far, or nowhere."""
    for place in (np.inf, -np.inf, np.nan, 1e38):
        for n in (10, 70):
            x = np.zeros((n, 3), dtype=np.float32)
            x[:, 0], x[:, 2] = 1, np.linspace(-3, 3, n)
            x[: n // 2, 1] = place
            for options in ({"k": n // 2 + 2}, {"k": 2}, {"k": n // 2 + 2, "undirected": False}):
                ptr = np.array([0, n])
                stored = JetGraphs(
                    x,
                    ptr,
                    np.empty((2, 0), np.int32),
                    np.zeros(2, np.int64),
                    np.empty((0, 1), np.float32),
                    recipe=Recipe(edges="knn", nmax=None, **options),
                )
                source, target = stored.rebuilt().edge_index
                assert len(source) >= n // 2
                assert max(source.max(), target.max()) < n
                assert (source != target).all()
                if not np.isfinite(place):
                    assert min(source.min(), target.min()) >= n // 2


def test_few_squared_masses_are_on_the_floor_in_any_frame():
    jets = Constituents.from_events(open_events(JETS_QCD.path))
    for transform, floor in (("none", 1e-8), ("fixed_mpt", 1e-8), ("reference_boost", 1e-16)):
        graphs = build(jets, transform=transform, edges="knn", edge_features=("lnm2", "lnkt"))
        lowest = np.float32(math.log(floor))
        assert graphs.edge_attr.min() == lowest
        assert ((graphs.edge_attr == lowest).mean(axis=0) < 1e-3).all()


def test_degrees_count_edges_to_each_node(jets):
    graphs = build(jets, edges="knn", undirected=False, k=3)[5:50]
    expected = [
        sum(target == node for _, target in graphs.adjacency(i))
        for i in range(45)
        for node in range(graphs.ptr[i + 1] - graphs.ptr[i])
    ]
    assert graphs.degrees.tolist() == expected


def test_features_are_what_their_names_say(jets):
    names = (*MOMENTA, "energy", "lnpt", "lnenergy", "ptfrac", "lnptfrac", "radius")
    graphs = build(jets, node_features=names, transform="center", edge_features=("dr", "lnkt", "lnz", "lnm2"))
    for i in (3, 50, 100):
        nodes = of_graph(graphs, i)
        four = momenta(nodes)
        total = jets.pt[jets.offsets[i] : jets.offsets[i + 1]].astype(np.float64).sum()
        assert nodes["energy"] == pytest.approx(four.energy, rel=1e-6)
        assert nodes["lnpt"] == pytest.approx(np.log(nodes["pt"]), abs=1e-6)
        assert nodes["lnenergy"] == pytest.approx(np.log(four.energy), abs=1e-6)
        assert nodes["ptfrac"] == pytest.approx(nodes["pt"] / total, rel=1e-6)
        assert nodes["lnptfrac"] == pytest.approx(np.log(nodes["pt"] / total), abs=1e-5)
        assert nodes["radius"] == pytest.approx(np.hypot(nodes["eta"], nodes["phi"]), abs=1e-7)
        attributes = graphs.edge_attr[graphs.edge_ptr[i] : graphs.edge_ptr[i + 1]]
        for (s, t), (dr, lnkt, lnz, lnm2) in zip(graphs.adjacency(i), attributes.tolist(), strict=True):
            softer, both = min(four[s].pt, four[t].pt), four[s].pt + four[t].pt
            assert dr == pytest.approx(four[s].deltaR(four[t]), rel=1e-5, abs=1e-7)
            assert lnkt == pytest.approx(np.log(max(softer * four[s].deltaR(four[t]), 1e-8)), abs=1e-5)
            assert lnz == pytest.approx(np.log(softer / both), abs=1e-5)
            assert lnm2 == pytest.approx(np.log((four[s] + four[t]).mass2), abs=1e-4)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([0.0, np.nan, 0.0], "node feature q of constituent 0 of jet 1 is nan, expected a finite number in single"),
        ([0.0, 0.0, 1e39], "node feature q of constituent 1 of jet 1 is 1e+39, expected a finite number in single"),
        ([11, 22, 1000020041], "node feature q of constituent 1 of jet 1 is 1000020041, expected integers up to 16777"),
        (np.array([11, 22, 2**63], np.uint64), "node feature q of constituent 1 of jet 1 is 9223372036854775808, exp"),
        (["a", "b", "c"], "column q of constituents has the type <U1, expected numbers"),
    ],
)
def test_refuses_columns_that_single_precision_does_not_hold(column, said):
    jets = Constituents([3, 2, 1], [0, 0, 0], [0, 0, 0], [0, 1, 3], columns={"q": np.array(column)})
    assert build(jets).nodes == 3
    with pytest.raises(InputError) as error:
        build(jets, node_features="pt,q")
    assert str(error.value).startswith(said)


def test_integers_that_single_precision_holds_stay_as_they_are():
    jets = Constituents([2, 1], [0, 0], [0, 0], [0, 2], columns={"q": np.array([2**24, -(2**24)])})
    assert build(jets, node_features="q", edges="none").x.tolist() == [[2**24], [-(2**24)]]


def test_columns_of_constituents_become_features():
    jets = toy_jets(charge=lambda n, rng: rng.integers(-1, 2, n))
    graphs = build(jets, node_features=("charge", "pt"), edges="none")
    charges = np.concatenate(
        [jets.columns["charge"][a:b][:40] for a, b in zip(jets.offsets[:-1], jets.offsets[1:], strict=True)]
    )
    assert np.array_equal(graphs.feature("charge"), charges)


@pytest.mark.parametrize("parts", [2, 7])
def test_parts_of_the_jets_give_the_same_bits(jets, parts):
    nested = ak.zip({name: ak.unflatten(getattr(jets, name), np.diff(jets.offsets)) for name in MOMENTA})
    options = {
        "transform": "reference_boost",
        "edges": "knn",
        "edge_features": ("dr", "lnkt", "lnz", "lnm2"),
        "node_features": MOMENTA,
    }
    whole = build(nested, **options)
    edges = np.linspace(0, len(nested), parts + 1).astype(int)
    pieces = [build(nested[a:b], **options) for a, b in itertools.pairwise(edges)]
    joined = JetGraphs.concatenate(pieces)
    for name in ("x", "ptr", "edge_index", "edge_ptr", "edge_attr"):
        assert getattr(joined, name).tobytes() == getattr(whole, name).tobytes()


def test_graphs_have_the_bits_that_they_had():
    """See make_golden for how to make them anew, where they are meant to change."""
    expected = json.loads(make_golden.FILE.read_text(encoding="utf-8"))
    made = make_golden.make()
    assert list(made) == list(expected)
    assert {name: made[name] for name in made if made[name] != expected[name]} == {}


def test_blocks_take_no_more_memory_than_what_is_made_of_them():
    few = toy_jets(200)
    n = len(few.pt)
    jets = Constituents(
        *(np.tile(getattr(few, name), 25) for name in ("pt", "eta", "phi")),
        np.concatenate([[0], np.cumsum(np.tile(np.diff(few.offsets), 25))]),
    )
    assert len(jets.pt) == 25 * n
    build(few)  # compiles
    tracemalloc.start()
    try:
        graphs = build(jets)
        kept, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        degrees = graphs.degrees
        _, peak_of_degrees = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    made = sum(array.nbytes for array in (graphs.x, graphs.ptr, graphs.edge_index, graphs.edge_ptr, graphs.edge_attr))
    assert peak < 1.15 * made
    assert peak_of_degrees - kept < 1.2 * degrees.nbytes


def test_blocks_of_jets_give_the_bits_of_one(monkeypatch):
    jets = toy_jets(300, charge=lambda n, rng: rng.integers(-1, 2, n))
    options = {"node_features": "pt,eta,phi,mass,charge,ptfrac", "transform": "reference_boost", "edges": "knn"}
    made = []
    for block in (7, 1000):
        monkeypatch.setattr("hepcol.graphs.nodes.BLOCK", block)
        monkeypatch.setattr("hepcol.graphs.connection.BLOCK", block)
        made.append(build(jets, **options))
    assert made[0].is_equal(made[1])
    assert made[0].nodes > 5000


def test_edges_are_made_again_of_nodes_to_the_bit(jets):
    for transform in ("none", "reference_boost", "center_rotate_flip"):
        graphs = build(jets, transform=transform, node_features=MOMENTA, edge_features=("lnm2", "dr"))
        assert graphs.without_edges().edges == 0
        assert graphs.without_edges().rebuilt().is_equal(graphs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"edges": "delaunay"}, "edges='delaunay'"),
        ({"r": -1}, "r=-1"),
        ({"k": 0}, "k=0"),
        ({"nmax": 0}, "nmax=0"),
        ({"radius": 0.4}, "option 'radius' of graphs is unknown; accepted: nmax, transform"),
        ({"node_features": ("pt", "charge")}, "node feature 'charge' is neither one of pt, eta"),
        ({"node_features": ("pt", "pt")}, "node_features: expected each one once"),
        ({"node_features": ()}, "node_features: expected at least one"),
        ({"transform": "reference_boost", "reference_mass": 2}, "reference_mass must be below reference_energy"),
        ({"k": 3}, "k=3 means nothing with edges=dr, it goes with edges=knn"),
        ({"edges": "knn", "r": 0.3}, "r=0.3 means nothing with edges=knn, it goes with edges=dr"),
        ({"edges": "full", "undirected": False}, "undirected=False means nothing with edges=full"),
        ({"reference_mass": 3}, "reference_mass=3.0 means nothing with transform=none"),
        ({"reference_energy": 3, "transform": "fixed_mpt"}, "reference_energy=3.0 means nothing with transform=fixed"),
        ({"mpt": 2}, "mpt=2.0 means nothing with transform=none, it goes with transform=fixed_mpt"),
        ({"transform": "fixed_mpt", "mpt": 1e-9}, "mpt=1e-09 of graphs: Input should be greater than"),
        ({"recipe": Recipe(), "k": 3}, "give a recipe or options, not both"),
    ],
)
def test_refuses_what_is_not_accepted(jets, options, said):
    with pytest.raises(InputError) as error:
        build(jets, **options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"edges": "foo"}, "edges='foo' of graphs: Input should be 'none', 'dr', 'knn' or 'full'"),
        ({"k": 3}, "k=3 means nothing with edges=dr, it goes with edges=knn"),
        ({"edge_features": "dr,mass"}, "edge_features.1='mass' of graphs: Input should be"),
        ({"radius": 3}, "radius=3 of graphs: Unexpected"),
    ],
)
def test_a_recipe_says_in_one_line_what_it_does_not_accept(options, said):
    with pytest.raises(InputError) as error:
        Recipe(**options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_graphs_that_are_made_alike_have_equal_recipes():
    assert Recipe(edges="knn", k=7, r=0.4) == Recipe(edges="knn")
    assert Recipe(edges="knn", k=5) != Recipe(edges="knn")
