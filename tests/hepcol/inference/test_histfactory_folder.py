"""The command on a folder with yields, what it writes, draws and prints."""

import json
import math
import sys
from dataclasses import replace

import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.text import Text

from hepcol import cli, lock
from hepcol.errors import InputError
from hepcol.inference import histfactory
from hepcol.inference.histfactory_folder import fit_yields
from hepcol.inference.limit_record import Limit
from hepcol.inference.record import Status
from hepcol.inference.yield_record import Prediction
from hepcol.inference.yields import SampleYield, Yields, write_yields
from hepcol.report.cls_plots import plot_cls, plot_limits
from hepcol.report.limit_plots import plot_regions, plot_yield_fits
from hepcol.report.limit_table import print_yield_fits
from hepcol.report.parameter_plots import plot_ranking

WIDTH = 80


BACKGROUND = SampleYield({"SR": 12.8}, systematics={"bkg": {"SR": (16.0, 9.6)}}, is_data_driven=True)
FEW = Yields(("SR",), 0.017, {"SR": 10}, {"bkg": BACKGROUND, "signal": SampleYield({"SR": 5.0})}, ("signal",))


@pytest.fixture
def folder(tmp_path):
    write_yields(FEW, tmp_path / "yields.json")
    return tmp_path


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """Fits with two signals, and toys."""
    folder = tmp_path_factory.mktemp("yields")
    regions = {"SRA": 12.8, "SRB": 19.3}
    samples = {
        "bkg": SampleYield(regions, {"SRA": 1.0}, {"bkg": {"SRA": (16.0, 9.6), "SRB": (22.0, 16.6)}}),
        "signal": SampleYield({"SRA": 3.0, "SRB": 15.0}),
        "a/b": SampleYield({"SRA": 8.0, "SRB": 0.0}, systematics={"JES": {"SRA": (9.0, 7.0), "SRB": (0.1, 0.0)}}),
    }
    write_yields(
        Yields(tuple(regions), 0.017, {"SRA": 10, "SRB": 19}, samples, ("signal", "a/b")), folder / "yields.json"
    )
    return fit_yields(folder, signal_error=0.1, toys=2)


def command(*arguments):
    with pytest.raises(SystemExit) as done:
        cli.main(["fit", *map(str, arguments)])
    return done.value.code


def test_the_command_writes_record_and_plots_and_prints_80_columns(small_yields, tmp_path, capsys, monkeypatch):
    folder = tmp_path
    write_yields(small_yields, folder / "yields.json")
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    assert command(folder, "--model", "histfactory", "--signal", "signal", "--signal-error", "0.15") == 0
    out = capsys.readouterr().out
    for text in ("SRA", "S95 observed", "limit on mu_SIG", "impact on mu_SIG", "fit_histfactory.json"):
        assert text in out
    assert all(len(line) <= WIDTH for line in out.splitlines() if str(folder) not in line)
    record = json.loads((folder / "fit_histfactory.json").read_text())
    assert record["usable"] is True
    assert list(record["events"]) == ["SRA", "SRB"]  # not of the control region
    assert record["provenance"]["packages"]["pyhf"]
    assert record["provenance"]["signal_error"] == 0.15
    signal = record["signals"]["signal"]
    assert signal["limit"]["observed"] > 0
    assert signal["fit"]["impacts"]
    assert signal["workspace"]["channels"][0]["samples"][0]["name"] == "signal"
    names = {path.name for path in (folder / "plots" / "histfactory").iterdir()}
    drawn = ("yields", "pulls_background", "pulls_signal", "ranking_signal", "cls_signal")
    assert names == {f"{name}.{kind}" for name in drawn for kind in ("png", "pdf")}
    assert {path.name for path in folder.iterdir()} == {"yields.json", "fit_histfactory.json", "plots"}


def test_all_signals_are_fitted_without_rankings(fits):
    assert list(fits.signals) == ["signal", "a/b"]
    for signal in fits.signals.values():
        assert signal.fit.impacts == {}
        assert signal.limit.usable
        assert signal.toys.toys == 2
    assert "a/b in SRB: no nominal events, so that JES cannot be relative to them" in fits.warnings
    written = {path.name for path in plot_yield_fits(fits)}
    assert {"limits.png", "cls_a%2Fb.png", "pulls_a%2Fb.pdf"} <= written


def test_another_fit_removes_the_plots_of_the_earlier(folder):
    stale = folder / "plots" / "histfactory" / "cls_old.png"
    stale.parent.mkdir(parents=True)
    stale.touch()
    fit_yields(folder, "signal")
    assert not stale.exists()


def test_what_may_not_be_used_has_exit_code_3_and_is_told_first(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr("hepcol.inference.yield_likelihood._CALLS", 3)
    assert command(folder, "--model", "histfactory", "--signal", "signal") == cli.INCOMPLETE
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("W ")]  # Minuit's own
    assert lines[0].startswith("not usable: fit of the backgrounds: no minimum found")
    record = json.loads((folder / "fit_histfactory.json").read_text())
    assert record["usable"] is record["signals"]["signal"]["fit"]["usable"] is False
    assert record["signals"]["signal"]["limit"]["usable"] is True  # whatever the fit is


def test_no_events_are_remarked_with_exit_code_0(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    write_yields(replace(FEW, data={"SR": 0}), folder / "yields.json")
    assert command(folder, "--model", "histfactory", "--signal", "signal") == 0
    out = capsys.readouterr().out
    assert "remark: fit of signal: mu_SIG = 0 is at its bound" in out
    assert "not usable" not in out
    assert (
        json.loads((folder / "fit_histfactory.json").read_text())["signals"]["signal"]["fit"]["status"] == "converged"
    )


def test_few_events_are_remarked_unless_there_are_toys(folder, capsys):
    background = SampleYield({"SR": 1.5})
    few = Yields(("SR",), 0.01, {"SR": 1}, {"bkg": background, "signal": SampleYield({"SR": 1.0})}, ("signal",))
    write_yields(few, folder / "yields.json")
    remark = "limit on events in SR: few events (1.5 expected without signal): use --toys"
    fits = fit_yields(folder)
    print_yield_fits(fits)
    assert remark in " ".join(capsys.readouterr().out.split())
    assert fits.events_toys == {}
    fits = fit_yields(folder, toys=60)
    assert fits.events_toys["SR"].observed == pytest.approx(3.94, abs=4 * fits.events_toys["SR"].errors[0])
    print_yield_fits(fits)
    out = capsys.readouterr().out
    assert "by toys" in out
    assert "few events" not in out
    assert json.loads((folder / "fit_histfactory.json").read_text())["events_toys"]["SR"]["toys"] == 60


def test_data_that_were_not_observed_are_called_so(folder, capsys):
    write_yields(replace(FEW, label="Asimov data"), folder / "yields.json")
    fits = fit_yields(folder, "signal")
    print_yield_fits(fits)
    out = capsys.readouterr().out
    assert out.startswith("Asimov data: nothing here was observed")
    assert "Asimov data   " in out.split("after fit")[0]
    assert json.loads((folder / "fit_histfactory.json").read_text())["data"] == "Asimov data"
    for figure in (plot_regions(fits), plot_cls(fits, "signal"), plot_limits(fits)):
        texts = " ".join(text.get_text() for text in figure.findobj(Text))
        assert "Asimov data" in " ".join(texts.split())


def test_names_and_numbers_of_any_length_are_printed(fits, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    nominal = {"Stop4b_SRA_tight_bin1": 1.28e6, "CRtt_4body": 12345.0}
    tt = SampleYield(nominal, {region: 0.02 * n for region, n in nominal.items()})
    yields = Yields(tuple(nominal), 0.017, {"Stop4b_SRA_tight_bin1": 1_281_234, "CRtt_4body": 12500}, {"tt": tt})
    large = {region: Prediction({"tt": n}, n, 0.1 * n) for region, n in nominal.items()}
    limit = replace(fits.events["SRA"], observed=123456.7, expected=(5e4, 8e4, 123456.7, 2e5, 3e5))
    shown = replace(fits, yields=yields, background=replace(fits.background, before=large, after=large), signals={},
                    events=dict.fromkeys(nominal, limit), events_toys={})  # fmt: skip
    print_yield_fits(shown)
    out = capsys.readouterr().out
    assert out.count("Stop4b_SRA_tight_bin1") == out.count("CRtt_4body") == 2
    for text in ("(1.28 ± 0.13)e6", "12,300 ± 1,200", "1,281,234"):
        assert text in out
    assert all(len(line) <= WIDTH for line in out.splitlines() if str(fits.folder) not in line)


def test_failures_of_every_kind_are_drawn_and_printed(fits, capsys):
    signal = fits.signals["signal"]
    bad_limit = Limit(Status.NOT_CONVERGED, "fit failed: x", "asymptotic", None, (None,) * 5, {})
    bad_fit = replace(signal.fit, status=Status.NOT_CONVERGED, message="no minimum found", parameters={}, after={})
    bad = replace(signal, limit=bad_limit, toys=bad_limit, fit=bad_fit)
    summary = {"complete": False, "events": {"processed": 5, "files": 10, "unknown_files": 0}}
    spoilt = replace(
        fits,
        background=bad_fit,
        signals={"signal": bad, "a/b": fits.signals["a/b"]},
        events={**fits.events, "SRA": bad_limit},
        summary=summary,
        warnings=tuple(f"[red]warning {k}" for k in range(9)),
    )
    assert not spoilt.usable
    plot_yield_fits(spoilt)
    print_yield_fits(spoilt)
    out = capsys.readouterr().out
    for text in ("INCOMPLETE: 5 of 10 events", "not usable: limit on signal: fit failed: x", "fit of the backgrounds",
                 "limit on signal by toys", "limit on events in SRA", "warning: [red]warning 4", "4 more"):  # fmt: skip
        assert text in out
    plot_yield_fits(replace(spoilt, signals={"signal": bad}))


def test_limits_are_drawn_by_mass_and_only_usable_ones_exclude(fits):
    signal = fits.signals["signal"]
    low = replace(signal, limit=replace(signal.limit, observed=0.5))
    lost = replace(signal, limit=replace(signal.limit, observed=0.5, status=Status.NOT_CONVERGED, message="x"))
    figure = plot_limits(replace(fits, signals={"stop_1000_900": low, "stop_400_320": lost, "stop_400_35": low}))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["stop_400_35", "stop_400_320", "stop_1000_900"]
    assert "2 of 3 signals are excluded" in " ".join(" ".join(t.get_text() for t in figure.findobj(Text)).split())
    figure.canvas.draw()
    labels = {label.get_text() for label in axes.get_yticklabels()}
    assert {"0.5", "1", "2"} <= labels
    assert not any(label.get_text() for label in axes.get_yticklabels(minor=True))


def test_cls_is_a_curve_and_toys_have_errors(fits):
    signal = fits.signals["signal"]
    shown = [strength for strength in signal.limit.scan if strength < 1.15 * signal.limit.expected[-1]]
    assert len(shown) >= 40
    scan = {1.0: (0.2, *[0.3] * 5), 2.0: (0.0, *[0.0] * 5), 3.0: (math.nan, *[0.1] * 5)}
    toys = Limit(Status.CONVERGED, "", "toys", 1.5, (None, None, 1.5, None, None), scan, (0.1,) * 6, toys=100,
                 tails={1.0: (10, 50), 2.0: (0, 50), 3.0: (0, 0)})  # fmt: skip
    figure = plot_cls(replace(fits, signals={"signal": replace(signal, toys=toys)}), "signal")
    observed, arrow, *_ = [c for c in figure.axes[0].containers if isinstance(c, ErrorbarContainer)]
    ((_, low), (_, high)) = observed.lines[2][0].get_segments()[0]
    assert low < 0.2 < high
    assert high - low == pytest.approx(2 * 0.06, rel=0.2)  # sqrt(10) of 50
    assert [x for (x, _), *_ in arrow.lines[2][0].get_segments()] == [2.0]  # at 3 it is unknown


def test_the_ranking_shows_large_pulls(folder):
    fits = fit_yields(folder, "signal")
    fit = fits.signals["signal"].fit
    pulled = replace(fit, parameters={**fit.parameters, "bkg": replace(fit.parameters["bkg"], value=4.0)})
    low, high = plot_ranking(fits, pulled, "signal").axes[1].get_xlim()
    assert low < -4
    assert high > 4 + fit.parameters["bkg"].constraint
    lost = replace(fit, impacts={name: replace(impact, up=math.nan, status=Status.AT_BOUND)
                                 for name, impact in fit.impacts.items()})  # fmt: skip
    texts = [text.get_text() for text in plot_ranking(fits, lost, "signal").axes[0].texts]
    assert texts.count("at bound") == len(fit.impacts)


def test_an_incomplete_run_is_recorded_as_such(folder):
    (folder / "summary.json").write_text(
        json.dumps({"complete": False, "events": {"processed": 1, "files": 2, "unknown_files": 0}})
    )
    fit_yields(folder, "signal")
    assert json.loads((folder / "fit_histfactory.json").read_text())["complete"] is False
    (folder / "summary.json").write_text("[]")
    with pytest.raises(InputError, match="not the summary of a run"):
        fit_yields(folder, "signal")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--signal", "stop"], "signal must be one of signal, got 'stop'"),
        (["--signal-error", "15"], "signal_error must be from 0 to 1 (relative), got 15.0"),
        (["--minos"], "option --minos means nothing to model histfactory"),
        (["--range", "1", "2"], "option --range means nothing to model histfactory"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(folder, capsys, options, message):
    assert command(folder, "--model", "histfactory", *options) == 2
    assert capsys.readouterr().err == f"hepcol: {message}\n"
    assert {path.name for path in folder.iterdir()} == {"yields.json"}


def test_options_of_yields_mean_nothing_to_histograms(folder, capsys):
    assert command(folder, "--signal", "x") == 2
    assert capsys.readouterr().err == "hepcol: option --signal means nothing to the model of a processor\n"


def test_a_folder_without_yields_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no yields.json there, which model histfactory is for"):
        fit_yields(tmp_path)


@pytest.mark.parametrize("package", ["pyhf", "cabinetry"])
def test_a_missing_package_is_named_with_how_to_install_it(folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"needs {package}, which is not installed: pip install 'hepcol\[stats\]'"):
        fit_yields(folder)
    with pytest.raises(InputError, match="is not installed"):
        histfactory.import_pyhf()


def test_a_folder_in_use_is_left_alone(folder, monkeypatch):
    with lock.locked(folder), pytest.raises(InputError, match="is in use by process"):
        fit_yields(folder, "signal")
    assert not (folder / "fit_histfactory.json").exists()
