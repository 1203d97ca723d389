"""The calibration as a user meets it: what goes in, what comes out, and what is refused."""

import pickle
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calib.egamma import DECORRELATIONS, MODELS, EgammaCalibration
from calib.egamma.calibrator import SYNTHETIC_AREA
from calib.egamma.columns import flat_columns
from calib.egamma.inputs import counter_normals
from calib.egamma.records import eta_second_layer
from hepcol.random import normals, stream_key
from hepcol.variations import Direction, Kind

pytestmark = pytest.mark.usefixtures("synthetic_area_once")
SEED = 5


def electrons(count=200, seed=SEED, **changes):
    """Columns of electrons of simulation, one event each."""
    rng = np.random.default_rng(seed)
    eta = rng.uniform(-2.47, 2.47, count).astype(np.float32)
    phi = rng.uniform(-np.pi, np.pi, count).astype(np.float32)
    made = {
        "pt": rng.uniform(7e3, 150e3, count).astype(np.float32),
        "eta": eta,
        "m": np.full(count, 0.511, np.float32),
        "cl_eta": eta + rng.normal(0, 1e-3, count).astype(np.float32),
        "cl_phi": phi,
        "cl_eta_s2": eta + rng.normal(0, 1e-3, count).astype(np.float32),
        "cl_eta_calo": eta + rng.normal(0, 3e-3, count).astype(np.float32),
        "cl_phi_calo": phi + rng.normal(0, 3e-3, count).astype(np.float32),
        "event_number": rng.integers(1, 2**40, count).astype(np.uint64),
        "run_number": np.full(count, 410_000, np.uint32),
        "random_run_number": rng.choice([417_000, 450_000, 475_000], count).astype(np.uint32),
        "is_simulation": np.ones(count, np.bool_),
    }
    return made | changes


def photons(count=200):
    return electrons(count) | {"converted": np.arange(count) % 2 == 0, "m": np.zeros(count, np.float32)}


def data(count=200):
    return electrons(count) | {"is_simulation": np.zeros(count, np.bool_), "run_number": np.full(count, 425_000)}


@pytest.fixture(scope="module")
def tool():
    return EgammaCalibration("es2024_Run3_v0", "FULL_v1", simulation="full", area="synthetic")


@pytest.fixture(scope="module")
def plain():
    """Without smearing, in double precision."""
    return EgammaCalibration(
        "es2024_Run3_v0", "FULL_v1", simulation="full", area="synthetic", smear=False, dtype="float64"
    )


def test_names_of_systematics_are_those_of_atlas(tool):
    assert len(tool.systematics) == 176
    assert tool.systematics[:2] == ("EG_SCALE_ZEESYST__1up", "EG_SCALE_ZEESYST__1down")
    assert [v.name for v in tool.variations] == ["nominal", *tool.systematics]
    assert tool.variations[0].kind is Kind.NOMINAL
    assert [v.direction for v in tool.variations[1:3]] == [Direction.UP, Direction.DOWN]
    assert EgammaCalibration("es2024_Run3_v0", "1NP_v1", area="synthetic").systematics == tuple(
        f"EG_{what}__1{way}"
        for what in ("SCALE_ALL", "SCALE_AF3", "RESOLUTION_ALL", "RESOLUTION_AF3")
        for way in ("up", "down")
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("decorrelation", DECORRELATIONS)
def test_every_model_has_every_scheme(model, decorrelation):
    made = EgammaCalibration(model, decorrelation, simulation="full", area="synthetic")
    for particles in (electrons(40), photons(40)):
        runs = {"random_run_number": np.full(40, 300_000)}
        found = made.calibrate_all(particles | runs)
        assert all(np.isfinite(pt).all() for pt in found.values())
        assert len(found) == 1 + len(made.systematics)


def test_scale_and_resolution_may_have_schemes_of_their_own():
    made = EgammaCalibration("es2024_Run3_v0", ("1NP_v1", "FULL_v1"), area="synthetic")
    assert made.systematics[0] == "EG_SCALE_ALL__1up"
    assert "EG_RESOLUTION_ZSMEARING__1up" in made.systematics
    assert "EG_RESOLUTION_ALL__1up" not in made.systematics


def test_statistical_errors_bin_by_bin():
    made = EgammaCalibration(
        "es2024_Run3_v0", "FULL_v1", simulation="full", area="synthetic",
        full_statistical_error=True, smear=False, dtype="float64",
    )  # fmt: skip
    bins = [name for name in made.systematics if name.startswith("EG_SCALE_ZEESTAT__ETABIN") and name.endswith("up")]
    assert len(bins) == 80
    found = made.calibrate_all(electrons(), systematics=bins)
    moved = np.array([found[name] != found["nominal"] for name in bins])
    assert (moved.sum(axis=0) <= 1).all()  # each electron is in one bin
    assert moved.sum() > 150


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"model": "es2012"}, "model 'es2012' is not ported; there are: es2018_R21_v1, "),
        ({"decorrelation": "2NP"}, "decorrelation '2NP' is unknown; there are: 1NP_v1, FULL_v1, "),
        ({"simulation": "atlfast"}, "simulation must be one of None, full, fast, got 'atlfast'"),
        ({"smearing": "root"}, "smearing must be one of counter, atlas, got 'root'"),
        ({"resolution_type": "RMS"}, "resolution_type must be one of Gaussian, SigmaEff80, SigmaEff90, got 'RMS'"),
        (
            {"decorrelation": None},
            "decorrelation must be a name, or one for the scale .*, got None",
        ),
        ({"decorrelation": ("1NP_v1",)}, "decorrelation must be a name, or one for the scale .*1NP_v1"),
        ({"seed": -1}, "seed must be an integer from 0 to"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"area": "/nowhere"}, "/nowhere: no calibration area: .*HEPCOL_CALIB_AREA or --calib-area"),
        ({"model": "es2022_R22_PRE", "simulation": "fast"}, "'es2022_R22_PRE' has no fast simulation"),
    ],
)
def test_what_is_not_accepted_is_one_line_that_says_what_is(how, message):
    with pytest.raises(ValueError, match=message) as caught:
        EgammaCalibration(**{"model": "es2024_Run3_v0", "area": "synthetic", **how})
    assert "\n" not in str(caught.value)


def test_an_area_is_named_by_an_option_or_the_environment(monkeypatch):
    monkeypatch.delenv("HEPCOL_CALIB_AREA", raising=False)
    with pytest.raises(ValueError, match=r"no calibration area: HEPCOL_CALIB_AREA or --calib-area .* not physics"):
        EgammaCalibration("es2024_Run3_v0")
    monkeypatch.setenv("HEPCOL_CALIB_AREA", str(SYNTHETIC_AREA))
    assert EgammaCalibration("es2024_Run3_v0").is_synthetic
    monkeypatch.setenv("HEPCOL_CALIB_AREA", str(SYNTHETIC_AREA / "ElectronPhotonFourMomentumCorrection"))
    made = EgammaCalibration("es2024_Run3_v0", simulation="full")
    np.testing.assert_array_equal(
        made.calibrate(electrons()),
        EgammaCalibration("es2024_Run3_v0", simulation="full", area="synthetic").calibrate(electrons()),
    )


def test_the_synthetic_area_is_known_wherever_it_is(tmp_path):
    import shutil

    shutil.copytree(SYNTHETIC_AREA, tmp_path / "mine")
    assert EgammaCalibration("es2018_R21_v1", area=tmp_path / "mine").is_synthetic
    inner = tmp_path / "mine" / "ElectronPhotonFourMomentumCorrection"
    assert EgammaCalibration("es2018_R21_v1", area=inner).is_synthetic


def test_columns_that_are_read_only_compile_nothing_again(tool):
    from calib.egamma.kernels import calibrate

    tool.calibrate(electrons())
    before = len(calibrate.nominal.signatures)
    columns = {name: np.asarray(column, np.float64) for name, column in electrons().items()}
    for column in columns.values():
        column.flags.writeable = False
    tool.calibrate(columns)
    whole = EgammaCalibration("es2024_Run3_v0", "FULL_v1", simulation="full", area="synthetic", var_sf=1, smear=1)
    whole.calibrate(columns)
    assert len(calibrate.nominal.signatures) == before


def test_a_missing_object_names_file_path_and_model(tmp_path):
    import shutil

    shutil.copytree(SYNTHETIC_AREA, tmp_path / "area")
    (tmp_path / "area" / "ElectronPhotonFourMomentumCorrection" / "v25" / "linearity_ADC.root").unlink()
    with pytest.raises(ValueError, match=r"v25/linearity_ADC\.root: no such file, which es2024_Run3_v0 needs"):
        EgammaCalibration("es2024_Run3_v0", area=tmp_path / "area")
    EgammaCalibration("es2018_R21_v1", area=tmp_path / "area")  # which does not need it


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cl_eta": None}, r"have no column cl_eta \(accepted names: cl_eta, calEta\)"),
        ({"event_number": None}, r"the events have no column event_number \(accepted names: event_number, eventNumber"),
        ({"random_run_number": None}, "simulation needs the run that it belongs to: a column random_run_number"),
        ({"pt": np.ma.masked_less(np.arange(200.0), 5)}, "column pt has values that are missing"),
        ({"pt": np.ones(3)}, "column pt has 3 entries, .* has 200; expected one length"),
        ({"pt": np.ones((200, 2))}, "column pt has 2 dimensions; expected flat columns"),
        ({"is_simulation": np.arange(200) < 7}, "7 of 200 particles are of simulation, the others of data"),
        ({"is_simulation": None}, "the events have no column is_simulation"),
    ],
)
def test_columns_that_lack_something_are_one_line(tool, changes, message):
    columns = {name: column for name, column in (electrons() | changes).items() if column is not None}
    with pytest.raises(ValueError, match=message):
        tool.calibrate(columns)


@pytest.mark.parametrize(
    ("systematic", "message"),
    [
        (
            "EG_SCALE_ALL__1up",
            "is unknown to model es2024_Run3_v0 with FULL_v1; there are 176, the nearest EG_",
        ),
        (("EG_SCALE_G4__1up", "EG_SCALE_PEDESTAL__1up"), "together can be one of the scale and one of the resolution"),
    ],
)
def test_systematics_that_do_not_exist_are_one_line(tool, systematic, message):
    with pytest.raises(ValueError, match=message):
        tool.calibrate(electrons(), systematic=systematic)


def test_simulation_has_to_be_full_or_fast():
    made = EgammaCalibration("es2024_Run3_v0", area="synthetic")
    assert np.isfinite(made.calibrate(data())).all()
    with pytest.raises(ValueError, match="the events are simulation: simulation must be full or fast"):
        made.calibrate(electrons())


def test_one_pass_gives_what_each_variation_gives(tool):
    found = tool.calibrate_all(photons(50))
    np.testing.assert_array_equal(found["nominal"], tool.calibrate(photons(50)))
    for name in tool.systematics[::7]:
        np.testing.assert_array_equal(found[name], tool.calibrate(photons(50), systematic=name))
    few = tool.calibrate_all(photons(50), systematics=tool.systematics[3:5])
    assert list(few) == ["nominal", *tool.systematics[3:5]]


def test_data_have_no_variations(tool):
    found = tool.calibrate_all(data())
    assert all((pt == found["nominal"]).all() for pt in found.values())
    assert (found["nominal"] != data()["pt"]).any()
    unscaled = EgammaCalibration("es2024_Run3_v0", area="synthetic", scale_correction=False)
    assert (unscaled.calibrate(data()) != found["nominal"]).any()


def test_scale_variations_are_mirror_images_before_smearing(plain):
    found = plain.calibrate_all(electrons())
    energy = {name: np.hypot(pt * np.cosh(electrons()["eta"].astype(float)), 0.511) for name, pt in found.items()}
    for name in plain.systematics[::2]:
        if name.startswith(("EG_SCALE", "PH_SCALE")):
            up, down = energy[name], energy[name.replace("__1up", "__1down")]
            np.testing.assert_allclose(up + down, 2 * energy["nominal"], rtol=1e-14)
            assert ((energy["nominal"] - up) * (energy["nominal"] - down) <= 0).all()


def test_variations_of_the_resolution_bracket_the_width():
    made = EgammaCalibration("es2024_Run3_v0", "1NP_v1", simulation="full", area="synthetic", dtype="float64")
    found = made.calibrate_all(electrons())
    shift = {name: found[f"EG_RESOLUTION_ALL__1{name}"] - electrons()["pt"] for name in ("up", "down")}
    nominal = found["nominal"] - electrons()["pt"]
    # the same random number, so that the shift grows with the width
    assert (np.abs(shift["up"]) >= np.abs(nominal) - 1e-9).all()
    assert (np.abs(shift["down"]) <= np.abs(nominal) + 1e-9).all()


def test_one_variation_of_each_kind_together(plain, tool):
    both = ("EG_SCALE_ZEESYST__1up", "EG_RESOLUTION_ZSMEARING__1up")
    found = tool.calibrate_all(electrons(), systematics=[both, *both])
    assert list(found) == ["nominal", "+".join(both), *both]
    assert (found["+".join(both)] != found[both[0]]).any()
    assert (found["+".join(both)] != found[both[1]]).any()
    # without smearing only the scale is left
    np.testing.assert_array_equal(
        plain.calibrate(electrons(), systematic=both), plain.calibrate(electrons(), systematic=both[0])
    )
    # photons' own sources leave electrons alone
    alone = tool.calibrate(electrons(), systematic=("PH_SCALE_CONVRECO__1up", both[1]))
    np.testing.assert_array_equal(alone, found[both[1]])


def test_a_factor_scales_the_uncertainties(plain):
    doubled = EgammaCalibration(
        "es2024_Run3_v0", "FULL_v1", simulation="full", area="synthetic", smear=False, dtype="float64", var_sf=2.0
    )
    name = "EG_SCALE_ZEESYST__1up"
    once, twice = (made.calibrate(electrons(), systematic=name) for made in (plain, doubled))
    with pytest.raises(ValueError, match=r"var_sf of photons must be 1 with model es2024_Run3_v0, got 2\.0"):
        doubled.calibrate(photons())
    nominal = plain.calibrate(electrons())
    np.testing.assert_allclose(twice - nominal, 2 * (once - nominal), rtol=1e-6, atol=1e-6)


@given(st.permutations(range(12)), st.integers(1, 11))
def test_order_and_chunks_change_nothing(tool, order, cut):
    columns = electrons(12)
    expected = np.array(list(tool.calibrate_all(columns).values()))
    shuffled = {name: column[list(order)] for name, column in columns.items()}
    found = np.array(list(tool.calibrate_all(shuffled).values()))
    np.testing.assert_array_equal(found, expected[:, list(order)])
    halves = [{name: column[part] for name, column in columns.items()} for part in (slice(cut), slice(cut, None))]
    joined = np.concatenate([np.array(list(tool.calibrate_all(half).values())) for half in halves], axis=1)
    np.testing.assert_array_equal(joined, expected)


def test_a_source_that_the_model_has_not_changes_nothing():
    made = EgammaCalibration("es2024_Run3_v0", "1NPCOR_PLUS_UNCOR", simulation="full", area="synthetic")
    for name in ("EG_SCALE_LARTEMPERATURE_EXTRA2015PRE__1up", "EG_SCALE_LARCALIB_EXTRA2015PRE__1down"):
        np.testing.assert_array_equal(made.scale(electrons(), systematic=name), made.scale(electrons()))
        np.testing.assert_array_equal(made.calibrate(electrons(), systematic=name), made.calibrate(electrons()))
    moved = made.scale(electrons(), systematic="EG_SCALE_ALLCORR__1up")
    assert (moved != made.scale(electrons())).all()


def test_blocks_are_the_whole(tool):
    expected = np.array(list(tool.calibrate_all(electrons()).values()))
    for size in (1, 33, 64, 1000):
        parts = [(part, block.copy()) for part, block in tool.blocks(electrons(), size=size)]
        np.testing.assert_array_equal(np.concatenate([block for _, block in parts], axis=1), expected)
        assert [part.start for part, _ in parts] == list(range(0, 200, size))


@pytest.mark.parametrize("smearing", ["counter", "atlas"])
def test_no_particles_and_events_without_any(smearing):
    made = EgammaCalibration("es2024_Run3_v0", "1NP_v1", simulation="full", area="synthetic", smearing=smearing)
    assert made.calibrate(electrons(0)).shape == (0,)
    assert {pt.shape for pt in made.calibrate_all(electrons(0)).values()} == {(0,)}
    assert list(made.blocks(electrons(0))) == []
    jagged = ak.unflatten(ak.zip(electrons(3)), [0, 2, 0, 1])
    assert ak.num(made.calibrate(jagged)).to_list() == [0, 2, 0, 1]
    assert ak.num(made.calibrate(jagged[:1])).to_list() == [0]


def test_energies_that_are_none_stay_what_they_are(tool):
    columns = electrons(5, pt=np.array([np.nan, 0.0, -5e3, np.inf, 3e4], np.float32), m=np.zeros(5, np.float32))
    found = tool.calibrate_all(columns)
    assert np.isnan(found["nominal"][0])
    assert found["nominal"][1] == 0.0
    assert np.isfinite(found["nominal"][4])
    assert all(np.isfinite(pt[4]) for pt in found.values())
    assert all(np.isnan(pt[0]) for pt in found.values())


@pytest.mark.parametrize("name", ["eta", "cl_eta", "cl_phi", "cl_eta_calo"])
def test_nan_in_a_column_of_one_particle_leaves_the_others(tool, name):
    columns = electrons(50)
    expected = tool.calibrate(columns)
    columns[name] = columns[name].copy()
    columns[name][7] = np.nan
    found = tool.calibrate(columns)
    np.testing.assert_array_equal(np.delete(found, 7), np.delete(expected, 7))
    assert np.isnan(found[7]) == (name in ("eta", "cl_eta"))


def test_edges_in_eta_are_calibrated_like_everything_else():
    edges = np.array([0, 0.8, 1.3, 1.35, 1.37, 1.4, 1.45, 1.52, 1.55, 1.8, 1.82, 2.37, 2.4, 2.47, 2.5], np.float32)
    beside = np.concatenate([edges, np.nextafter(edges, np.float32(9)), np.nextafter(edges, np.float32(-9))])
    eta = np.concatenate([beside, -beside])
    names = ("eta", "cl_eta", "cl_eta_s2", "cl_eta_calo")
    for model in MODELS:
        made = EgammaCalibration(model, "FULL_v1", simulation="full", area="synthetic")
        for particles in (electrons(len(eta)), photons(len(eta))):
            runs = {"random_run_number": np.full(len(eta), 300_000)}
            found = made.calibrate_all(particles | dict.fromkeys(names, eta) | runs)
            for name, pt in found.items():
                assert np.isfinite(pt).all(), (model, name, eta[~np.isfinite(pt)])


def test_forward_electrons_of_data_have_a_scale_of_their_own():
    eta = np.array([2.6, 3.0, 4.5, -3.3], np.float32)
    columns = data(4) | dict.fromkeys(("eta", "cl_eta", "cl_eta_s2", "cl_eta_calo"), eta)
    columns["run_number"] = np.full(4, 300_000)
    found = EgammaCalibration("es2023_R22_Run2_v1", area="synthetic").calibrate(columns)
    assert np.isfinite(found).all()


def test_smearing_has_the_width_of_the_resolution():
    made = EgammaCalibration("es2024_Run3_v0", simulation="full", area="synthetic", dtype="float64")
    one = {name: np.repeat(column[:1], 100_000) for name, column in electrons(1).items()}
    one["event_number"] = np.arange(100_000, dtype=np.uint64)
    found = made.calibrate(one) / one["pt"] - 1.0
    full, without = (made.resolution(one, constant_term=flag)[0] for flag in (True, False))
    width = np.sqrt(full**2 - without**2)
    assert width > 5e-4
    assert abs(found.mean()) < 5 * width / np.sqrt(1e5)
    assert found.std() == pytest.approx(width, rel=0.01)


def test_the_draw_of_counter_is_that_of_the_event_and_the_particle():
    columns = electrons(50) | {"index": np.arange(50) % 3, "channel": np.full(50, 700_322)}
    key = stream_key(SEED, "egamma.energy", "700322:410000")
    expected = normals(key, columns["event_number"], columns["index"], 0)
    np.testing.assert_array_equal(counter_normals(flat_columns(columns), SEED), expected)
    mixed = columns | {"channel": np.where(np.arange(50) < 20, 700_322, 700_323)}
    found = counter_normals(flat_columns(mixed), SEED)
    np.testing.assert_array_equal(found[:20], expected[:20])
    assert (found[20:] != expected[20:]).all()
    assert len(set(found)) == 50
    assert (counter_normals(flat_columns(columns), SEED + 1) != expected).all()


def test_particles_are_known_by_their_clusters_whatever_is_selected(tool):
    jagged = ak.unflatten(ak.zip(electrons(60)), [3, 0, 2] * 12)
    everything = tool.calibrate(jagged)
    hard = jagged.pt > 50e3
    assert ak.all(tool.calibrate(jagged[hard]) == everything[hard])


def test_records_flat_and_in_events_give_what_columns_give(tool):
    expected = tool.calibrate(photons())
    records = ak.zip(photons())
    np.testing.assert_array_equal(ak.to_numpy(tool.calibrate(records)), expected)
    counts = [0, 2, 1, 3, 4] * 20
    of_events = ("event_number", "run_number", "random_run_number", "is_simulation")
    first = np.repeat(np.arange(100), counts)
    events = {name: np.arange(100) + 10 for name in of_events} | {"is_simulation": np.ones(100, np.bool_)}
    events["random_run_number"] = np.full(100, 450_000)
    flat = {name: column for name, column in photons().items() if name not in of_events}
    jagged = ak.unflatten(ak.zip(flat), counts)
    found = tool.calibrate(jagged, ak.zip(events))
    assert ak.num(found).to_list() == counts
    same = tool.calibrate(flat | {name: column[first] for name, column in events.items()})
    np.testing.assert_array_equal(ak.to_numpy(ak.flatten(found)), same)
    assert ak.all(tool.calibrate(jagged, events) == found)  # columns of events by name
    leading = jagged[ak.num(jagged) > 0]
    of_leading = ak.zip(events)[ak.num(jagged) > 0]
    assert ak.all(tool.calibrate(leading[:, 0], of_leading) == found[ak.num(jagged) > 0][:, 0])
    with pytest.raises(ValueError, match="there are 80 particles and 100 events; expected as many"):
        tool.calibrate(leading[:, 0], ak.zip(events))
    with pytest.raises(ValueError, match="particles are lists in 2 levels; expected one list for each event, or flat"):
        tool.calibrate(ak.unflatten(jagged, [50, 50]))
    by_name = tool.calibrate_all(jagged, ak.zip(events), systematics=tool.systematics[:2])
    assert ak.all(by_name["nominal"] == found)


def test_dask_awkward_is_lazy_and_gives_the_same():
    dask_awkward = pytest.importorskip("dask_awkward")
    made = EgammaCalibration("es2024_Run3_v0", "1NP_v1", simulation="full", area="synthetic")
    jagged = ak.unflatten(ak.zip(electrons()), [2, 0, 3] * 40)
    lazy = dask_awkward.from_awkward(jagged, npartitions=3)
    found = made.calibrate(lazy)
    assert isinstance(found, dask_awkward.Array)
    assert str(found.layout.form.type) == "var * float32"
    assert ak.all(found.compute(scheduler="synchronous") == made.calibrate(jagged))
    every = made.calibrate_all(lazy)
    computed = every.compute(scheduler="synchronous")
    for name, pt in made.calibrate_all(jagged).items():
        assert ak.all(computed[name] == pt)


def test_the_type_tracer_tells_type_and_columns(tool):
    jagged = ak.unflatten(ak.zip(electrons() | {"unused": np.ones(200)}), [2, 0, 3] * 40)
    layout, report = ak.typetracer.typetracer_with_report(jagged.layout.form_with_key())
    found = tool.calibrate(ak.Array(layout))
    assert str(found.layout.form.type) == "var * float32"
    assert report.data_touched
    assert not any("unused" in touched for touched in report.data_touched)


def test_dask_reads_the_columns_that_are_needed(tmp_path):
    dask_awkward = pytest.importorskip("dask_awkward")
    made = EgammaCalibration("es2024_Run3_v0", "1NP_v1", simulation="full", area="synthetic")
    jagged = ak.unflatten(ak.zip(electrons() | {"unused": np.ones(200)}), [2, 0, 3] * 40)
    ak.to_parquet(ak.zip({"particles": jagged, "unused": np.ones(120)}, depth_limit=1), tmp_path / "a.parquet")
    lazy = dask_awkward.from_parquet(tmp_path / "a.parquet")
    found = made.calibrate(lazy.particles)
    (needed,) = dask_awkward.report_necessary_columns(found).values()
    assert "particles.cl_eta" in needed
    assert not any("unused" in column for column in needed)
    assert ak.all(found.compute(scheduler="synchronous") == made.calibrate(jagged))
    for name in ("scale", "resolution"):
        expected = getattr(made, name)(jagged)
        assert ak.all(getattr(made, name)(lazy.particles).compute(scheduler="synchronous") == expected)
    with pytest.raises(ValueError, match="the events are an array of dask-awkward, and the particles are not"):
        made.calibrate(jagged, lazy)


def test_travels_to_workers_and_back(tool):
    again = pickle.loads(pickle.dumps(tool))
    assert again == tool
    np.testing.assert_array_equal(again.calibrate(electrons()), tool.calibrate(electrons()))


def test_inputs_stay_as_they_are(tool):
    columns = electrons()
    before = {name: column.copy() for name, column in columns.items()}
    tool.calibrate_all(columns)
    assert all((columns[name] == before[name]).all() for name in columns)


def test_columns_of_numpy_need_neither_coffea_nor_dask():
    code = (
        "import sys, numpy as np; from calib.egamma import EgammaCalibration; "
        "tool = EgammaCalibration('es2023_R22_Run2_v1', '1NP_v1', simulation='full', area='synthetic'); "
        "tool.warm_up(); "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'coffea', 'dask', 'distributed', 'hist'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "[]\n"


def test_pseudorapidity_in_the_second_layer():
    """Values are those of the samplings in the pattern, in their order: 2 is EMB2, 6 is EME2."""
    clusters = ak.Array(
        {
            "samplingPattern": np.array([0b1111, 0b11110000, 0b0100_0100, 0b0100_0100, 0b0110, 0b1], np.uint32),
            "eta_sampl": [[0.1, 0.2, 0.3, 0.4], [1.6, 1.7, 1.8, 1.9], [1.4, 1.5], [1.4, 1.5], [0.6, 0.7], [0.9]],
            "e_sampl": [[1, 1, 1, 1], [1, 1, 1, 1], [300.0, 900.0], [40.0, 20.0], [1, 1], [1]],
        }
    )
    found = eta_second_layer(clusters)
    np.testing.assert_allclose(found, [0.3, 1.8, 1.475, 1.45, 0.7, -999], rtol=1e-6)
