"""Systematic bands: their numbers against a computation by hand, and which plots have them."""

import hist
import numpy as np
import pytest

from hepcol.histograms import observables
from hepcol.report.bands import band_of, categories, has_systematics, largest
from hepcol.report.plots import draw
from hepcol.report.style import style
from hepcol.variations import systematic_of

COMPLETE = {"complete": True, "events": {"processed": 5, "files": 5}}
NAMES = ("nominal", "JES__1up", "JES__1down", "JER__1up", "W")
CONTENTS = {
    "nominal": (100.0, 50.0, 0.0),
    "JES__1up": (103.0, 52.0, 1.0),
    "JES__1down": (96.0, 51.0, 0.0),  # the second bin goes up in both directions
    "JER__1up": (104.0, 47.0, 0.0),  # one direction only
    "W": (100.0, 50.0, 0.0),  # changes nothing
}


def histogram(names=NAMES, pairs=()):
    """A weighted histogram; with further categories its content is spread over them."""
    axes = [hist.axis.StrCategory(names, name="variation")]
    if pairs:
        axes.append(hist.axis.StrCategory(pairs, name="pair"))
    made = hist.Hist(*axes, hist.axis.Regular(3, 0, 3, name="x", label="x [GeV]"), storage=hist.storage.Weight())
    for name in names:
        for pair in pairs or (None,):
            place = {"variation": name} | ({"pair": pair} if pairs else {})
            contents = np.array(CONTENTS.get(name, (1.0, 2.0, 3.0))) / max(1, len(pairs))
            made[place] = np.stack([contents, 2 * contents], axis=-1)
    return made


@pytest.mark.parametrize("pairs", [(), ("BB", "BE", "EE", "none")])
def test_the_envelope_is_the_quadrature_sum_by_systematic_and_sign(pairs):
    band = band_of(histogram(pairs=pairs))
    assert band.nominal.tolist() == [100, 50, 0]
    assert band.error == pytest.approx(np.sqrt([200, 100, 0]))
    up, down = band.envelope
    assert up == pytest.approx([5, 2, 1])  # sqrt(3^2 + 4^2); the larger of 2 and 1; 1
    assert down == pytest.approx([-4, -3, 0])
    assert list(band.systematics) == ["JES", "JER", "W"]


def test_counts_have_their_square_root_as_error():
    counted = hist.Hist(
        hist.axis.StrCategory(["nominal", "a"], name="variation"), hist.axis.Regular(2, 0, 2, name="x"), storage="int64"
    )
    counted.fill("nominal", [0.5] * 9)
    assert band_of(counted).error.tolist() == [3, 0]


def test_names_of_systematics_are_without_their_sides():
    assert systematic_of("EG_SCALE_ALL__1down") == systematic_of("EG_SCALE_ALL__1up") == "EG_SCALE_ALL"
    assert systematic_of("MET_SoftTrk_ResoPara") == "MET_SoftTrk_ResoPara"


def test_the_largest_variations_come_first_and_those_that_do_nothing_not_at_all():
    effects = largest(histogram(), 10)
    assert [effect.name for effect in effects] == ["JER__1up", "JES__1up", "JES__1down"]
    assert effects[0].moved == pytest.approx(7 / 150)
    assert effects[0].total == pytest.approx(1 / 150)
    assert [effect.largest for effect in effects] == pytest.approx([3 / 50, 2 / 50, 4 / 100])
    assert [effect.name for effect in largest(histogram(), 1, of_a_bin=True)] == ["JER__1up"]
    assert len(largest(histogram(), 2)) == 2


def test_replicas_are_no_systematics():
    replicas = histogram(("smear_0", "smear_1"))
    assert not has_systematics(replicas)
    with pytest.raises(ValueError, match="'nominal'"):
        band_of(replicas)


def test_integers_are_observed_where_nothing_else_is():
    variation, jets = hist.axis.StrCategory(["nominal"], name="variation"), hist.axis.Integer(0, 3, name="jets")
    counted = hist.Hist(variation, jets)
    assert (observables(counted), categories(counted)) == (["jets"], ["variation"])
    by_jets = hist.Hist(variation, jets, hist.axis.Regular(3, 0, 3, name="x"))
    assert (observables(by_jets), categories(by_jets)) == (["x"], ["variation", "jets"])


def texts_of(figure):
    with style():
        return {text.get_text() for axes in figure.axes for text in axes.get_legend_handles_labels()[1] and [
            *axes.get_legend().get_texts(), axes.get_legend().get_title()]}  # fmt: skip


def test_systematics_are_drawn_as_a_band_over_ratios_and_replicas_as_a_spread():
    with style():
        figure = draw(histogram(pairs=("BB", "EE")), ("z", "x"), COMPLETE)
        assert len(figure.axes) == 2
        assert texts_of(figure) == {"z/x\nsum over pair", "3 systematics", "nominal", "statistical error"}
        low, high = figure.axes[1].get_ylim()
        assert 1 - low == pytest.approx(high - 1)
        spread = draw(histogram(("smear_0", "smear_1")), ("z", "x"), COMPLETE)
        assert len(spread.axes) == 1


def test_categories_that_may_hold_an_event_twice_are_not_summed():
    regions = hist.Hist(hist.axis.StrCategory(["A", "B"], name="region"), hist.axis.Regular(3, 0, 3, name="x"))
    assert draw(regions, ("z", "x"), COMPLETE) is None


def test_a_histogram_without_nominal_events_is_drawn():
    empty = histogram() * 0
    with style():
        draw(empty, ("z", "x"), COMPLETE).savefig("/dev/null", format="png")
    assert largest(empty, 3) == []
