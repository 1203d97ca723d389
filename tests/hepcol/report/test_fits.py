"""Plots of fits: what is drawn, that what is unusable is marked, and that nothing overlaps."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.legend import Legend
from matplotlib.text import Text

import hepcol
from hepcol import store
from hepcol.inference.folder import fit_folder
from hepcol.inference.record import Status
from hepcol.report.contact_sheet import plot_all
from hepcol.report.fit_panel import plot_fit
from hepcol.report.fit_results import plot_companions, plot_quality, plot_result
from hepcol.report.fits import plot_fits
from hepcol.report.style import style
from processors.zee import ZeeProcessor

NAMES = ("fit", "all_fits", "result", "result_2d", "quality")
LONG = "mc23_13p6TeV.601189.PhPy8EG_AZNLO_$Zee_with_a_name_longer_than_its_column$"


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits") / "out"
    hepcol.run(ZeeProcessor(variations=3, electrons="generator"), "zee-fcc", output=folder)
    return fit_folder(folder)


def changed(fits, **changes):
    return replace(fits, datasets=(replace(fits.datasets[0], **changes),))


def repeated(fits, number):
    """The fits many times, with results that scatter."""
    part = fits.datasets[0]
    records = []
    for k, record in zip(range(number), itertools.cycle(part.records)):
        sigma = record.estimates["sigma"]
        moved = replace(sigma, value=sigma.value + 0.05 * math.sin(7 * k))
        records.append(replace(record, estimates={**record.estimates, "sigma": moved}, p_value=(k % 17) / 17))
    return changed(
        fits,
        variations=tuple(f"smear_{k:03d}" for k in range(number)),
        spectra=tuple(itertools.islice(itertools.cycle(part.spectra), number)),
        models=tuple(itertools.islice(itertools.cycle(part.models), number)),
        records=tuple(records),
        companions={
            name: replace(companion, means=np.resize(companion.means, number) + np.arange(number) * 1e-3)
            for name, companion in part.companions.items()
        },
    )


def spoiled(fits):
    """The fits with all ways to fail among them, an incomplete run, and long names."""
    part = fits.datasets[0]
    records = list(part.records)
    for k, record in enumerate(records):
        match k % 9:
            case 0:
                message = "at a bound: sigma = 5, alpha_low = 1, alpha_high = 1, mean = 84, yield = 0"
                records[k] = replace(record, status=Status.AT_BOUND, message=message)
            case 1:
                message = "the likelihood has no proper curvature at its minimum"
                records[k] = replace(record, status=Status.NO_COVARIANCE, message=message)
            case 2:
                nothing = {name: replace(value, value=math.nan) for name, value in record.estimates.items()}
                records[k] = replace(record, status=Status.NOT_CONVERGED, message="no minimum", estimates=nothing)
            case 3:
                far = {**record.estimates, "sigma": replace(record.estimates["sigma"], value=80.0)}
                records[k] = replace(record, status=Status.NOT_CONVERGED, message="no minimum", estimates=far)
            case 4:
                status, message = Status.TOO_FEW_ENTRIES, "3 bins have entries, too few for 5 free parameters"
                records[k] = replace(
                    record, status=status, message=message, estimates={}, chi2=math.nan, ndof=0, p_value=math.nan
                )
    names = tuple(f"EG_SCALE_$ALLCORR__1up_{k}" for k in range(len(records)))
    gone = {name: replace(c, means=np.where(np.arange(len(c.means)) == 5, np.nan, c.means))
            for name, c in part.companions.items()}  # fmt: skip
    summary = {"complete": False, "events": {"processed": 123_456_789, "files": 1_234_567_890, "unknown_files": 0}}
    told = replace(part, dataset=LONG, variations=names, records=tuple(records), companions=gone)
    return replace(fits, datasets=(told,), summary=summary)


def emptied(fits):
    """The fits of nothing."""
    part = fits.datasets[0]
    none = [
        replace(record, status=Status.TOO_FEW_ENTRIES, message="0 bins have entries", estimates={}, ndof=0,
                chi2=math.nan, p_value=math.nan)
        for record in part.records
    ]  # fmt: skip
    spectra = tuple(replace(spectrum, contents=0 * spectrum.contents) for spectrum in part.spectra)
    means = {name: replace(c, means=np.full(len(c.means), np.nan)) for name, c in part.companions.items()}
    return changed(fits, records=tuple(none), spectra=spectra, companions=means)


def scaled(fits, factor, weighted=False):
    """The fits of a much larger or smaller sample."""
    spectra, records = [], []
    for spectrum, record in zip(fits.datasets[0].spectra, fits.datasets[0].records, strict=True):
        contents = spectrum.contents * factor
        variances = contents * factor * 2 if weighted else None
        spectra.append(replace(spectrum, contents=contents, variances=variances))
        found = record.estimates["yield"]
        found = replace(found, value=found.value * factor, error=found.error * factor)
        records.append(replace(record, estimates={**record.estimates, "yield": found}))
    return changed(fits, spectra=tuple(spectra), records=tuple(records))


def unexpected(fits):
    """The fits of a quantity without a unit, which nothing is known of."""
    return changed(fits, plan=replace(fits.datasets[0].plan, expected=None, unit=""))


CASES = {
    "three": lambda fits: fits,
    "one of many events": lambda fits: repeated(scaled(fits, 1e6), 1),
    "some of small weights": lambda fits: repeated(scaled(fits, 1e-7, weighted=True), 37),
    "few events, no expectation": lambda fits: unexpected(scaled(fits, 0.01)),
    "few, all unusable": spoiled,
    "many, most unusable": lambda fits: spoiled(repeated(fits, 230)),
    "no events": emptied,
}


def figures(fits):
    part = fits.datasets[0]
    yield "fit", plot_fit(fits, part, 0)
    yield "all_fits", next(plot_all(fits, part))
    yield "result", plot_result(fits, part)
    yield "result_2d", plot_companions(fits, part)
    yield "quality", plot_quality(fits, part)


def texts(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.findobj(Text))


def ticks(axes):
    """Labels of the ticks that are drawn, and of those that are not."""
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            inside = low - 1e-9 <= tick.get_loc() <= high + 1e-9 and axes.axison
            yield tick.label1, inside and tick.label1.get_visible()
            yield tick.label2, inside and tick.label2.get_visible()


def boxes(figure):
    """Boxes around legends and visible texts [pixel], with what is in them."""
    figure.draw_without_rendering()
    legends = figure.findobj(Legend)
    hidden = {text for axes in figure.axes for text, drawn in ticks(axes) if not drawn}
    hidden |= {text for legend in legends for text in legend.findobj(Text)}
    shown = [text for text in figure.findobj(Text) if text not in hidden and text.get_visible() and text.get_text()]
    return [(text.get_text(), text.get_window_extent()) for text in shown] + [
        ("legend", legend.get_window_extent()) for legend in legends
    ]


def overlaps(boxes, others):
    """Which boxes have more than a pixel in common either way with which others."""
    one, other = np.array(boxes)[:, None], np.array(others)[None]
    shared = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    return (shared > 1).all(axis=-1)


def within(boxes, others):
    """Which boxes are inside which others."""
    one, other = np.array(boxes)[:, None], np.array(others)[None]
    return (one[..., :2] >= other[..., :2]).all(axis=-1) & (one[..., 2:] <= other[..., 2:]).all(axis=-1)


@pytest.mark.parametrize("case", CASES)
def test_texts_neither_overlap_nor_leave_the_figure(fits, case):
    with style():
        for name, figure in figures(CASES[case](fits)):
            told, found = zip(*((text, box.extents) for text, box in boxes(figure)), strict=True)
            assert len(told) > 5
            assert [told[k] for k in np.flatnonzero(~within(found, [figure.bbox.extents]))] == [], name
            assert [(told[i], told[k]) for i, k in np.argwhere(overlaps(found, found)) if i < k] == [], name
            plots = [axes.get_window_extent().extents for axes in figure.axes if axes.axison]
            if plots:
                across = overlaps(found, plots) & ~within(found, plots)
                assert [told[k] for k, _ in np.argwhere(across)] == [], name


def test_all_pictures_of_a_run_appear_and_replace_those_of_an_earlier_fit(fits):
    folder = store.fit_plots(fits.folder, "zee-fcc", fits.model)
    folder.mkdir(parents=True)
    for name in ("all_fits_2.png", "result.pdf", "mine.png", "notes.txt"):
        (folder / name).write_text("earlier")
    written = plot_fits(fits)
    expected = {folder / f"{name}.{extension}" for name in NAMES for extension in ("png", "pdf")}
    assert set(written) == expected
    assert set(folder.iterdir()) == expected | {folder / "mine.png", folder / "notes.txt"}
    assert all(path.read_bytes()[:4] in (b"\x89PNG", b"%PDF") for path in written)
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in plot_fits(fits)] == before


def test_one_variation_is_not_compared_with_anything(fits, tmp_path):
    written = plot_fits(replace(repeated(fits, 1), folder=tmp_path))
    assert {path.stem for path in written} == {"fit", "all_fits", "result", "quality"}


def test_fits_are_on_pages_of_a_hundred(fits):
    made = repeated(fits, 250)
    pages = list(plot_all(made, made.datasets[0]))
    assert [texts(page).count("smear_") for page in pages] == [100, 100, 50]
    assert "page 3 of 3" in texts(pages[2])


def test_pages_are_in_one_pdf_and_in_numbered_pictures(fits, tmp_path, monkeypatch):
    for module in ("fits", "contact_sheet"):
        monkeypatch.setattr(f"hepcol.report.{module}.PAGE", 1)
    written = [path.name for path in plot_fits(replace(fits, folder=tmp_path))]
    pages = [name for name in written if name.startswith("all_fits")]
    assert pages == ["all_fits.pdf", "all_fits_1.png", "all_fits_2.png", "all_fits_3.png"]


def test_a_fit_shows_its_parameters_and_its_quality(fits):
    part = fits.datasets[0]
    shown = texts(plot_fit(fits, part, 1))
    sigma = part.records[1].estimates["sigma"]
    assert rf"$\sigma$ = {sigma.value:.3f} ± {sigma.error:.3f} GeV" in shown
    assert f"{part.records[1].chi2:.1f} / {part.records[1].ndof}" in shown
    assert "status: converged" in shown
    assert part.models[1].title in shown
    assert "events / 0.28 GeV" in shown
    assert "NOT USABLE" not in shown
    assert "INCOMPLETE" not in shown


def test_the_interval_of_the_likelihood_is_shown_if_there_is_one(fits):
    record = fits.datasets[0].records[0]
    sigma = replace(record.estimates["sigma"], value=2.8412, lower=-0.052, upper=0.061)
    record = replace(record, estimates={**record.estimates, "sigma": sigma})
    made = changed(fits, records=(record,) * 3)
    assert "= $2.841_{-0.052}^{+0.061}$ GeV" in texts(plot_fit(made, made.datasets[0], 0))


def test_unusable_fits_are_marked(fits):
    made = spoiled(repeated(fits, 100))
    part = made.datasets[0]
    shown = texts(plot_fit(made, part, 0))
    assert "NOT USABLE: at bound: sigma = 5, alpha_low = 1" in shown
    assert "±" not in shown
    assert "INCOMPLETE: 123,456,789 of 1,234,567,890 events" in shown
    sheet = texts(next(plot_all(made, part)))
    assert sheet.count("not converged") == part.statuses["not converged"] + 1
    assert f"{len(part.usable)} of 100 fits usable" in sheet
    for figure in (plot_result(made, part), plot_quality(made, part)):
        assert f"usable: {len(part.usable)} of 100" in texts(figure)
        assert "at bound: 12 of 100" in texts(figure)


def test_the_warning_is_above_the_events(fits):
    made = spoiled(fits)
    figure = plot_fit(made, made.datasets[0], 0)
    (warning,) = [text for text in figure.axes[0].texts if text.get_text().startswith("NOT USABLE")]
    assert "\n" in warning.get_text()
    highest = figure.axes[0].transData.transform((0, 1.2 * made.datasets[0].spectra[0].contents.max()))[1]
    assert warning.get_window_extent().y0 > highest


def test_the_mean_is_that_of_usable_fits(fits):
    made = spoiled(repeated(fits, 100))
    part = made.datasets[0]
    values = part.results[list(part.usable), 0]
    shown = texts(plot_result(made, part))
    assert f"mean {values.mean():.4f} ± {values.std(ddof=1) / math.sqrt(len(values)):.4f} GeV" in shown
    assert "injected 2.83 GeV" in shown
    assert "pulls of the usable fits" in shown


def test_a_plot_without_a_usable_fit_says_so(fits):
    made = emptied(fits)
    assert "NO FIT IS USABLE" in texts(plot_result(made, made.datasets[0]))
    assert "mean" not in texts(plot_result(made, made.datasets[0]))
    assert "no fit" in texts(plot_fit(made, made.datasets[0], 0))


def test_a_correlation_is_that_of_usable_fits(fits):
    made = repeated(fits, 40)
    part = made.datasets[0]
    means = {"e1": replace(part.companions["e1"], means=2 * part.results[:, 0])}
    means["e1"].means[3] = np.nan
    made = changed(made, companions=means)
    assert "correlation 1" in texts(plot_companions(made, made.datasets[0]))
