"""The live picture of a run: what it shows is what is in the result, where it can be seen."""

import base64
import io
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import hist
import matplotlib.image
import numpy as np
import pytest

import hepcol
from hepcol.execution import updates
from hepcol.report import live as live_module
from hepcol.report.choice import Choice
from hepcol.report.live import Live
from hepcol.report.live_picture import Picture, bar, status
from hepcol.update import Update
from processors.zee import ZeeProcessor

NAMES = ("smear_0", "smear_1", "smear_2")


@pytest.fixture(scope="module")
def run(shipped_file):
    return hepcol.run(ZeeProcessor(variations=3), shipped_file, chunksize=1000)


@pytest.fixture
def at_once(monkeypatch):
    """Updates that come with every chunk, whatever they cost."""
    monkeypatch.setattr(updates, "SHORTEST_S", 0.0)
    monkeypatch.setattr(updates, "SHARE", np.inf)


def update_of(result, done=1000, total=4000, **changes):
    update = Update(result, done, 0, total, done // 1000, 0, total // 1000, 2.5, done / 2.5, 2, "", done == total)
    return replace(update, **changes)


def events_in(result):
    return Choice("m_ee").of(result).values.sum()


def pixels(image):
    return matplotlib.image.imread(io.BytesIO(image))


def test_a_spectrum_is_one_variation_summed_over_other_axes(run):
    expected = run.result["zee_fcc"].histograms["m_ee"].to_hist()
    for variation in (None, *NAMES):
        spectrum = Choice("m_ee", variation).of(run.result)
        values = expected[variation or "smear_0", :].values()
        np.testing.assert_array_equal(spectrum.values, values)
        np.testing.assert_array_equal(spectrum.variances, values)
        assert spectrum.axis == expected.axes["m_ee"]
        assert spectrum.title == f"zee_fcc\n{variation or 'smear_0'}"


def test_a_spectrum_of_any_coffea_output_is_summed_over_datasets_unless_one_is_chosen():
    def made(seed):
        values = np.random.default_rng(seed).normal(size=(2, 200))
        histogram = hist.Hist(
            hist.axis.StrCategory(["data", "mc"], name="dataset"),
            hist.axis.StrCategory(["down", "nominal"], name="variation"),
            hist.axis.Regular(3, -1, 1, name="y"),
            hist.axis.Regular(5, -2, 2, name="x"),
            storage=hist.storage.Weight(),
        )
        for dataset, weight in (("data", 1.0), ("mc", 0.5)):
            for variation in ("down", "nominal"):
                histogram.fill(dataset, variation, *values, weight=weight * (2 if variation == "down" else 1))
        return histogram, np.histogram(values[1], np.linspace(-2, 2, 6))[0]

    (first, contents), (second, others) = made(1), made(2)
    output = {"one": {"x": first}, "two": {"x": second, "n": 3}}
    spectrum = Choice("x").of(output)
    np.testing.assert_allclose(spectrum.values, 1.5 * (contents + others))
    np.testing.assert_allclose(spectrum.variances, 1.25 * (contents + others))
    assert spectrum.title == "one, two\nnominal"
    np.testing.assert_allclose(Choice("x", dataset="two").of(output).values, 1.5 * others)
    np.testing.assert_allclose(Choice("one/x", "down", "mc").of(output).values, contents)
    np.testing.assert_allclose(Choice("x", dataset="data").of({"x": first}).values, contents)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("mass"), "histogram 'mass': there is none; there are zee_fcc/e1, zee_fcc/e2, zee_fcc/m_ee"),
        (Choice("ee"), "histogram 'ee': there is none"),
        (Choice("m_ee", "up"), "variation 'up': there is none in 'm_ee'; there are smear_0, smear_1, smear_2"),
        (Choice("m_ee", dataset="data"), "dataset 'data': there is none with 'm_ee'; there are zee_fcc"),
    ],
)
def test_a_name_that_is_not_there_is_one_line_with_those_that_are(choice, message, run):
    with pytest.raises(ValueError, match=message) as caught:
        choice.of(run.result)
    assert "\n" not in str(caught.value)


def test_the_picture_shows_the_contents_and_their_errors(run):
    live = Live("m_ee", "smear_1")
    live(update_of(run.result, 4000))
    axes = live.figure.axes[0]
    expected = run.result["zee_fcc"].histograms["m_ee"].to_hist()["smear_1", :]
    (stairs,) = axes.patches
    np.testing.assert_array_equal(stairs.get_data().values, expected.values())
    (errors,) = axes.collections
    filled = expected.values() > 0
    lengths = [
        segment[:, 1] - expected.values()[filled][number] for number, segment in enumerate(errors.get_segments())
    ]
    np.testing.assert_allclose(np.transpose(lengths)[1], np.sqrt(expected.values()[filled]))
    assert axes.get_ylim()[1] > (expected.values() + np.sqrt(expected.values())).max()
    assert axes.get_xlabel() == "$m_{ee}$ [GeV]"
    assert pixels(live._repr_png_()).shape[1] == 800


def test_a_script_has_the_picture_in_a_file_at_every_update_and_nothing_on_the_terminal(
    shipped_file, at_once, tmp_path, capfd
):
    path = tmp_path / "plots" / "m_ee.png"
    live = Live("m_ee", path=path)
    seen = []

    def follow(update):
        live(update)
        seen.append(path.read_bytes() if path.exists() else b"")

    run = hepcol.run(ZeeProcessor(variations=3), shipped_file, chunksize=1000, on_update=follow)
    assert run.summary["warnings"] == []
    assert seen[0] == b""
    assert len({pixels(image).tobytes() for image in seen[1:]}) == len(seen) - 1 == 4
    assert [entry.name for entry in path.parent.iterdir()] == ["m_ee.png"]
    assert capfd.readouterr() == ("", "")


def test_a_script_without_a_path_draws_when_it_is_asked_to(run, monkeypatch):
    drawn = []
    draw = Picture.draw
    monkeypatch.setattr(Picture, "draw", lambda self, *what: (drawn.append(what), draw(self, *what)))
    live = Live("m_ee")
    assert live._repr_png_() is None
    with pytest.raises(ValueError, match="histogram 'm_ee': there is none; there are none"):
        _ = live.figure
    live(update_of(run.result))
    assert not drawn
    assert live.figure is live.figure
    assert len(drawn) == 2


@pytest.fixture
def cell(monkeypatch):
    """What the output of a cell of a notebook shows, after each change: of each display, its content."""
    pytest.importorskip("IPython")
    shown, states = {}, []

    def put(number, content):
        shown[number] = content
        states.append(dict(shown))

    def display(content, *, raw, display_id):
        number = len(shown)
        put(number, content)
        return SimpleNamespace(update=lambda content, *, raw: put(number, content))

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=object()))
    return states


def test_a_notebook_shows_one_picture_that_is_changed_in_place(shipped_file, at_once, cell):
    live = Live("m_ee")
    for number in (1, 2):  # runs
        hepcol.run(ZeeProcessor(variations=2), shipped_file, chunksize=1000, on_update=live)
        assert len(cell[-1]) == number
    first, *others, last = (state[0] for state in cell if len(state) == 1)
    assert "image/png" not in first
    assert "0/4k events" in first["text/plain"]
    assert all(pixels(base64.b64decode(state["image/png"])).ndim == 3 for state in (*others, last))
    assert len({state["image/png"] for state in others}) == 3
    assert "4k/4k events" in last["text/plain"]
    assert last["text/plain"].startswith("\N{FULL BLOCK}" * 24)


def test_a_name_that_is_not_there_is_said_in_the_notebook_and_in_the_warnings(shipped_file, at_once, cell):
    run = hepcol.run(ZeeProcessor(variations=2), shipped_file, chunksize=1000, on_update=Live("mass"))
    assert run.closure.complete
    message = "histogram 'mass': there is none; there are zee_fcc/e1"
    (warning,) = run.summary["warnings"]
    assert message in warning
    assert len(cell) == 5  # it may have come with another chunk
    assert message in cell[1][0]["text/plain"]


def test_a_histogram_that_comes_later_is_waited_for(run, tmp_path):
    live = Live("m_ee", path=tmp_path / "a.png")
    live(update_of({"n": 1}))
    assert not (tmp_path / "a.png").exists()
    live(update_of(run.result, 4000))
    assert (tmp_path / "a.png").exists()


def test_the_picture_may_have_any_format_of_matplotlib(run, tmp_path):
    for name, start in (("a.pdf", b"%PDF"), ("a.SVG", b"<?xml"), ("a.png", b"\x89PNG")):
        Live("m_ee", path=tmp_path / name)(update_of(run.result))
        assert (tmp_path / name).read_bytes().startswith(start)
    for name in ("a.doc", "a"):
        with pytest.raises(ValueError, match=r"path must end in one of .*pdf, .*png, .* got '.*a"):
            Live("m_ee", path=tmp_path / name)


def test_the_text_says_how_far_the_run_is():
    update = update_of(None, 2000)
    assert status(update) == "2k/4k events, 800 events/s, 2 workers, 2/4 chunks, 2.5 s"
    assert bar(update) == "\N{FULL BLOCK}" * 12 + "\N{LIGHT SHADE}" * 12
    failed = replace(update, events_failed=1000, workers=1, elapsed_s=125.2, finished=True)
    assert status(failed) == "INCOMPLETE: 2k/4k events, 1k failed, 800 events/s, 1 worker, 2/4 chunks, 2:05 min"


def test_importing_it_needs_neither_ipython_nor_the_execution():
    code = "import sys, hepcol.report.live; print({'IPython', 'hepcol.execution', 'coffea'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
    assert live_module._in_kernel() is False
