"""The command on a folder with yields, what it writes, draws and prints."""

import json
import sys
from dataclasses import replace

import pytest

from hepcol import cli, lock
from hepcol.errors import InputError
from hepcol.inference import histfactory
from hepcol.inference.histfactory_folder import fit_yields
from hepcol.inference.limits import Limit
from hepcol.inference.record import Status
from hepcol.inference.yields import SampleYield, Yields, write_yields
from hepcol.report.limit_plots import plot_yield_fits
from hepcol.report.limit_table import print_yield_fits

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
    return fit_yields(folder, signal_error=0.1, toys=10)


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
        assert signal.toys.toys == 10
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
    write_yields(replace(FEW, data={"SR": 0}), folder / "yields.json")
    assert command(folder, "--model", "histfactory", "--signal", "signal") == cli.INCOMPLETE
    assert capsys.readouterr().out.startswith("not usable: fit of signal: at a bound: mu_SIG = ")
    record = json.loads((folder / "fit_histfactory.json").read_text())
    assert record["usable"] is False
    assert record["signals"]["signal"]["fit"]["status"] == "at bound"


def test_failures_of_every_kind_are_drawn_and_printed(fits, capsys):
    signal = fits.signals["signal"]
    bad_limit = Limit(Status.NOT_CONVERGED, "fit failed: x", "asymptotic", None, (None,) * 5, {})
    bad_fit = replace(signal.fit, status=Status.NOT_CONVERGED, message="no minimum found", parameters={}, after={})
    bad = replace(signal, limit=bad_limit, toys=bad_limit, fit=bad_fit)
    summary = {"complete": False, "events": {"processed": 5, "files": 10}}
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


def test_an_incomplete_run_is_recorded_as_such(folder):
    (folder / "summary.json").write_text(json.dumps({"complete": False, "events": {"processed": 1, "files": 2}}))
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
