"""Objects of calibration areas beside what ROOT makes of them."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import uproot

from calib.egamma.area import FOLDER, MAIN_FILE, Area
from calib.egamma.curves import Formula, Graph, SavedCurve, curve_of
from calib.egamma.histograms import Axis
from calib.egamma.program import join
from hepcol.errors import InputError

GOLDEN = Path(__file__).parents[4] / "shared" / "egamma" / "golden"
POINTS = [-4.0, 0.0, 0.4, 0.5, 1.0, 1.5, 2.0, 2.7, 3.0, 4.0, 5.5, 7.0, 9.69, 9.7, 10.0, 25.0, 5e3, 4e4, 3e6]
SOME = "some/folder"
PROFILES = [f"profile{option}{kind}" for option in ("", "s", "i", "g") for kind in ("", "_weighted")]
HISTOGRAMS = ["uniformF", "uniformD", "variableF", "variableD", *PROFILES]
PLANES = ["planeF", "planeD", *(f"{name}2d" for name in PROFILES)]
AXES = ["uniform_axis", "variable_axis"]
CURVES = ["graphs", "functions", "old_functions"]
FEW_BITS = {"rtol": 1e-13, "atol": 1e-15}


def root(tasks):
    if find_spec("ROOT") is None:
        pytest.skip("ROOT is not installed")
    script = Path(__file__).with_name("run_root.py")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", script], input=json.dumps(tasks), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def by_root(tmp_path_factory):
    """An area that ROOT wrote, and what ROOT reads of it."""
    folder = tmp_path_factory.mktemp("area")
    path, into = folder / MAIN_FILE, folder / "root.npz"
    path.parent.mkdir()
    names = [f"{SOME}/{name}" for name in HISTOGRAMS + PLANES + AXES + CURVES]
    asked = {MAIN_FILE: {"path": str(path), "names": names, "points": POINTS}}
    root({"write": str(path), "describe": asked, "into": str(into)})
    return folder, dict(np.load(into))


@pytest.fixture(scope="session")
def golden_by_root(tmp_path_factory):
    """The objects of the synthetic area, and what ROOT reads of them."""
    if not GOLDEN.is_dir():
        pytest.skip("the synthetic calibration area is not there: no ../shared/egamma/golden beside the checkout")
    objects = json.loads((GOLDEN / "objects.json").read_text())
    into = tmp_path_factory.mktemp("golden") / "root.npz"
    asked = {
        file: {
            "path": str(GOLDEN / "calib" / FOLDER / file),
            "names": [entry["path"] for entry in objects if entry["file"] == file],
            "points": [1.0, 6.0, 25.0, 40.0, 3e3, 1e4, 3.7e4, 4e4, 1.234e5, 4e6, 9e6],
        }
        for file in {entry["file"] for entry in objects}
    }
    root({"describe": asked, "into": str(into)})
    return objects, dict(np.load(into))


def check_axis(axis, expected, prefix):
    points = expected[f"{prefix}points"]
    assert np.array_equal(axis.find(points), expected[f"{prefix}bins"])
    np.testing.assert_allclose(axis.centres, expected[f"{prefix}centres"], rtol=1e-15, atol=1e-15)


def check_cells(found, expected, key):
    # ROOT's bin number runs over x first
    assert np.array_equal(found.contents.ravel(order="F"), expected[f"{key}|contents"])
    np.testing.assert_allclose(found.errors.ravel(order="F"), expected[f"{key}|errors"], **FEW_BITS)
    assert found.contents.flags.c_contiguous
    assert found.errors.flags.c_contiguous


def check(area, kind, file, path, expected):
    """Compare an object with ROOT's."""
    key = f"{file}|{path}"
    if kind in {"TList", "TObjArray"}:
        points = expected[f"{key}|points"]
        curves = area.curves(file, path)
        assert sum(name.startswith(f"{key}|curve") for name in expected) == len(curves)
        for number, curve in enumerate(curves):
            values = expected[f"{key}|curve{number}"]
            np.testing.assert_allclose(curve.program(points), values, err_msg=f"{curve}", **FEW_BITS)
    elif kind == "TAxis":
        check_axis(area.axis(file, path), expected, f"{key}|")
    elif kind.startswith("TH2") or kind == "TProfile2D":
        found = area.histogram2d(file, path)
        check_axis(found.x, expected, f"{key}|x_")
        check_axis(found.y, expected, f"{key}|y_")
        check_cells(found, expected, key)
    else:
        found = area.histogram(file, path)
        check_axis(found.axis, expected, f"{key}|x_")
        check_cells(found, expected, key)


@pytest.mark.parametrize(
    ("kind", "names"), [("TH1D", HISTOGRAMS), ("TH2D", PLANES), ("TAxis", AXES), ("TList", CURVES)]
)
def test_reads_what_root_wrote_as_root_does(by_root, kind, names):
    folder, expected = by_root
    with Area(folder) as area:
        for name in names:
            check(area, kind, MAIN_FILE, f"{SOME}/{name}", expected)


def test_reads_every_object_of_the_synthetic_area_as_root_does(golden_by_root):
    objects, expected = golden_by_root
    with Area(GOLDEN / "calib", "any model") as area:
        for entry in objects:
            check(area, entry["class"], entry["file"], entry["path"], expected)


def test_curves_say_what_they_are(by_root):
    folder, _ = by_root
    with Area(folder) as area:
        graphs, functions, old = (area.curves(MAIN_FILE, f"{SOME}/{name}") for name in CURVES)
    assert all(isinstance(curve, Graph) for curve in graphs)
    assert [type(curve) for curve in functions] == [Formula] * 7 + [SavedCurve] * 2
    assert functions[0].parameters == {"p0": 1.5, "Slope": -0.25}
    assert functions[0].text == "[p0]+[Slope]*log(x/40000.)"
    assert (functions[7].low, functions[7].high) == (0.5, 9.7)
    assert old[0].text == "[0]+[1]*x^2"
    assert old[0].parameters == {"p0": 1.5, "p1": -0.25}


def test_joined_programs_run_from_their_starts(by_root):
    folder, _ = by_root
    with Area(folder) as area:
        programs = [curve.program for name in CURVES for curve in area.curves(MAIN_FILE, f"{SOME}/{name}")]
    from calib.egamma.kernels.programs import evaluate

    joined, starts = join(programs)
    for number, program in enumerate(programs):
        found = evaluate(joined.codes, joined.values, starts[number], starts[number + 1], 2.7)
        assert found == program(2.7)
    assert evaluate(joined.codes, joined.values, starts[-1], starts[-1], 2.7) == 0.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unknown", "entry 0: formula 'TMath::Landau(x,0,1)': unknown name 'TMath::Landau'; known are x, exp, log"),
        ("two_variables", "entry 0: a TF2, where a TGraph or a TF1 is expected"),
        ("convolution", "entry 0: TF1 f has neither a formula nor saved points"),
        ("names", "entry 0: a TNamed, where a TGraph or a TF1 is expected"),
        ("uniformD", "a TH1D, where TList or TObjArray is expected"),
    ],
)
def test_says_in_one_line_which_curve_is_no_use(by_root, name, said):
    folder, _ = by_root
    with Area(folder, "es2024") as area, pytest.raises(InputError) as error:
        area.curves(MAIN_FILE, f"{SOME}/{name}")
    assert str(error.value).startswith(f"{folder / MAIN_FILE}: {SOME}/{name}, which es2024 needs: {said}")
    assert "\n" not in str(error.value)


@pytest.fixture
def written(tmp_path):
    """An area whose main file has a histogram, written without ROOT."""
    path = tmp_path / FOLDER / MAIN_FILE
    path.parent.mkdir(parents=True)
    with uproot.recreate(path) as file:
        file["Scales/model/alpha"] = np.histogram(np.linspace(0, 1, 1000) ** 2, bins=500)
    return tmp_path


def test_takes_the_folder_or_the_one_around_it(written):
    for path in (written, written / FOLDER, str(written)):
        with Area(path) as area:
            found = area.histogram(MAIN_FILE, "Scales/model/alpha")
        assert found.contents.sum() == 1000
        assert found.axis.n_bins == 500


def test_says_what_an_area_is(tmp_path):
    with pytest.raises(
        InputError, match=r"no calibration area.*v38/egamma.*HEPCOL_CALIB_AREA or --calib-area"
    ) as error:
        Area(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("read", "file", "path", "said"),
    [
        ("histogram", MAIN_FILE, "Scales/model/beta", "{file}: no object Scales/model/beta, which es2024 needs"),
        ("histogram", MAIN_FILE, "Other/model/beta", "{file}: no object Other/model/beta, which es2024 needs"),
        ("histogram", "v8/a.root", "h", "{file}: no such file, which es2024 needs"),
        ("axis", MAIN_FILE, "Scales/model/alpha", "{file}: Scales/model/alpha, which es2024 needs: a TH1"),
        ("histogram2d", MAIN_FILE, "Scales/model/alpha", "{file}: Scales/model/alpha, which es2024 needs: a TH1"),
        ("curves", MAIN_FILE, "Scales", "{file}: Scales, which es2024 needs: a "),
    ],
)
def test_says_what_is_missing(written, read, file, path, said):
    with Area(written, "es2024") as area, pytest.raises(InputError) as error:
        getattr(area, read)(file, path)
    assert str(error.value).startswith(said.format(file=written / FOLDER / file))
    assert "\n" not in str(error.value)


def area_contents(path):
    with Area(path) as area:
        return area.histogram(MAIN_FILE, "Scales/model/alpha").contents


def test_a_damaged_file_is_refused_or_read_right(written):
    path = written / FOLDER / MAIN_FILE
    whole = path.read_bytes()
    damages = [whole[:size] for size in range(0, len(whole), 97)] + [b"no ROOT file" * 50]
    damages += [whole[:place] + b"\xff" * 40 + whole[place + 40 :] for place in range(0, len(whole) - 40, 97)]
    expected = area_contents(written)
    said = []
    for damaged in damages:
        path.write_bytes(damaged)
        try:
            assert np.array_equal(area_contents(written), expected)  # the damage is elsewhere
        except InputError as error:
            said.append(str(error))
    assert 20 < len(said) < len(damages)
    assert all(line.startswith(str(path)) and "\n" not in line for line in said)


def test_opens_each_file_once(written, monkeypatch):
    opened = []
    real = uproot.open

    def counted(path, **options):
        opened.append(path)
        return real(path, **options)

    monkeypatch.setattr(uproot, "open", counted)
    with Area(written) as area:
        for _ in range(3):
            area.histogram(MAIN_FILE, "Scales/model/alpha")
    assert len(opened) == 1


class Stored:
    """Members as uproot gives them."""

    def __init__(self, classname, **members):
        self.classname, self.members = classname, members

    def member(self, name):
        return self.members[name]

    def has_member(self, name):
        return name in self.members


def test_reads_the_text_of_a_function_of_root_5():
    names = ["p0", "p1"]
    old = Stored("TF1", fNdim=1, fType=0, fTitle="[0]+[1]*x^2", fParams=[1.5, -0.25], fNames=names, fSave=[])
    assert curve_of(old).program(2.0) == 0.5


def test_takes_the_saved_points_of_a_function_without_text():
    saved = [1.0, 3.0, 4.0, 10.0, 20.0]  # three points, and the limits
    for formula in (None, Stored("TFormula", fFormula="", fClingParameters=[], fParams={})):
        curve = curve_of(Stored("TF1", fName="f", fType=0, fFormula=formula, fSave=saved))
        assert curve.program([9.0, 10.0, 12.5, 17.5, 20.0, 20.1, np.nan]).tolist() == [0, 1, 2, 3.5, 4, 0, 0]
    with pytest.raises(InputError, match="TF1 f has neither a formula nor saved points"):
        curve_of(Stored("TF1", fName="f", fType=0, fFormula=None, fSave=[]))


@pytest.mark.parametrize("uniform", [True, False])
def test_the_last_bin_ends_before_the_last_edge(uniform):
    axis = Axis(np.array([0.0, 0.5, 1.0]), uniform)
    assert axis.find([-1e-9, 0.0, 0.5, np.nextafter(1.0, 0), 1.0, np.inf, -np.inf, np.nan]).tolist() == [
        0, 1, 2, 2, 3, 3, 0, 3,
    ]  # fmt: skip
