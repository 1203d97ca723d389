"""The command line: what it prints, what it writes, and how it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from hepcol.cli import main


@pytest.fixture
def hepcol(capsys):
    """Run a command in this process: exit code, output and error output."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return caught.value.code, printed.out, printed.err

    return run


def test_run_writes_everything_and_says_where(hepcol, tmp_path):
    out = tmp_path / "out"
    code, printed, _ = hepcol("run", "zee", "zee-fcc", "-p", "variations=3", "-o", out)
    assert code == 0
    assert "4,000 of 4,000 processed" in printed
    assert "opposite-charge pair" in printed
    assert all(len(line) <= 80 for line in printed.splitlines() if str(tmp_path) not in line)
    files = {
        "histograms.zip",
        "histograms.root",
        "summary.json",
        "ledger.jsonl",
        "provenance.json",
        "result.zip",
        "plots",
    }
    assert {path.name for path in out.iterdir()} == files
    pictures = {path.relative_to(out / "plots").as_posix() for path in (out / "plots").rglob("*.*")}
    assert pictures == {f"zee-fcc/{n}.{e}" for n in ("e1", "e2", "m_ee", "delta_r") for e in ("png", "pdf")}
    assert (out / "plots/zee-fcc/m_ee.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "summary.json").read_text())["executor"] == "iterative"
    for path in (out / "plots/zee-fcc").iterdir():
        path.unlink()
    code, printed, _ = hepcol("plot", out)
    assert code == 0
    assert str(out / "plots/zee-fcc/m_ee.png") in printed.splitlines()


def test_an_incomplete_run_says_so_first_and_exits_3(hepcol, tmp_path):
    out = tmp_path / "out"
    code, printed, _ = hepcol(
        "run", "zee", "zee-fcc", tmp_path / "nothing.root", "-p", "variations=2", "-o", out, "--dataset", "z"
    )
    assert code == 3
    assert printed.startswith("INCOMPLETE: 4,000 of 4,000 events processed")
    assert "nothing.root: no such file" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["complete"], summary["events"]["unknown_files"]) == (False, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "zee", "nothing.root"], "nothing.root: no such file"),
        (["run", "zee", "nothing"], "nothing: no such file or folder, and no shipped sample"),
        (["run", "zee", "text.root"], "text.root: truncated, or not a ROOT file"),
        (["run", "zee", "empty.root"], "empty.root: truncated, or not a ROOT file"),
        (["run", "zee", "cut.root"], "cut.root: truncated, or not a ROOT file"),
        (["run", "zee", "zee-fcc", "--tree", "t"], "no tree 't'; trees in the file: "),
        (["run", "zee", "flat.root"], "flat.root: tree 't' has no column ReconstructedParticles.px"),
        (["run", "foreign.py:Foreign", "flat.root"], "flat.root: no field named 'Nothing'"),
        (
            ["run", "zee", "zee-fcc", "-p", "smear=1"],
            "option 'smear' is unknown to zee; accepted: variations, ",
        ),
        (["run", "zee", "zee-fcc", "-p", "variations"], "option 'variations': expected NAME=VALUE"),
        (
            ["run", "zee", "zee-fcc", "-p", "variations=x"],
            "option 'variations=x': input should be a valid integer",
        ),
        (["run", "zee", "zee-fcc", "-p", "variations=0"], "should be greater than or equal to 1"),
        (["run", "zee", "zee-fcc", "-p", "sigma=nan"], "option 'sigma=nan': input should be a finite number"),
        (
            ["run", "zee", "zee-fcc", "-p", "electrons=mu"],
            "should be 'reconstructed', 'generator' or 'original'",
        ),
        (["run", "zee", "zee-fcc", "-p", "seed=1", "-p", "seed=2"], "option 'seed' is given twice"),
        (["run", "zee", "zee-fcc", "-p", "sigma=1", "-p", "noise=1"], "not both"),
        (["run", "zee", "zee-fcc", "--executor", "condor"], "'condor' is not one of 'iterative'"),
        (["run", "zee", "zee-fcc", "--chunksize", "0"], "0 is not in the range x>=1"),
        (["run", "broken.py:Broken", "flat.root"], "expected ':' (broken.py, line 1)"),
        (["run", "foreign.py:Foreign", "no_entries.root"], "no_entries.root: no field named 'Nothing'"),
        (["run", "zed", "zee-fcc"], "no analysis 'zed'; there are: jet_graphs, stop4b, zee"),
        (["run", "no_such_module:Class", "zee-fcc"], "No module named 'no_such_module'"),
        (["run", "foreign.py:Nothing", "zee-fcc"], "foreign.py has no 'Nothing'"),
        (
            ["run", "foreign.py:Foreign", "zee-fcc", "-p", "x=1"],
            "option 'x' is unknown to foreign.py:Foreign",
        ),
        (["run", "picky.py:Picky", "flat.root", "-p", "cut=-1"], "picky.py:Picky: cut must be positive, got -1 GeV"),
        (["run", "zee"], "Missing argument 'FILES...'"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["inspect", "nothing.root"], "nothing.root: no such file"),
        (["inspect", "flat.root", "-c", "zzz"], "no column has 'zzz' in its name"),
        (["plot", "."], "no histograms.zip there"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(hepcol, arguments, message, tmp_path, monkeypatch, shipped_file):
    import numpy as np
    import uproot

    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.root").write_text("this is not a ROOT file\n" * 100)
    (tmp_path / "empty.root").touch()
    (tmp_path / "cut.root").write_bytes(shipped_file.read_bytes()[:100_000])
    (tmp_path / "foreign.py").write_text(
        "class Foreign:\n    def process(self, events):\n        return {'n': len(events.Nothing)}\n"
    )
    (tmp_path / "broken.py").write_text("class Broken")
    (tmp_path / "picky.py").write_text(
        "class Picky:\n    def __init__(self, cut=1):\n        if cut <= 0:\n"
        "            raise ValueError(f'cut must be positive,\\ngot {cut} GeV')\n"
        "    def process(self, events):\n        return {}\n"
    )
    with uproot.recreate(tmp_path / "flat.root") as file:
        file.mktree("t", {"x": np.float64}).extend({"x": np.arange(5.0)})
    with uproot.recreate(tmp_path / "no_entries.root") as file:
        file.mktree("t", {"x": np.float64})
    before = {path.name for path in tmp_path.iterdir()}
    output = ["-o", "out"] if arguments[0] == "run" else []
    code, printed, error = hepcol(*arguments, *output)
    assert code == 2
    assert printed == ""
    assert message in error
    assert error.startswith("hepcol: ")
    assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} - {"__pycache__"} == before


def test_what_failed_altogether_is_offered_again_and_retried(hepcol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "later.py").write_text(
        "from pathlib import Path\n\ndef later(events):\n    Path('there').read_text()\n    return {'n': len(events)}\n"
    )
    code, printed, _ = hepcol("run", "later.py:later", "zee-fcc", "-o", "out", "--no-plots")
    assert code == 3
    assert "FileNotFoundError" in printed  # where in the processor
    assert printed.endswith("to add what is missing, once it can be read: hepcol retry out\n")
    (tmp_path / "there").touch()
    code, printed, _ = hepcol("retry", "out")
    assert code == 0
    assert "4,000 of 4,000 processed" in printed


def test_list_names_analyses_options_and_samples(hepcol):
    code, printed, _ = hepcol("list")
    assert code == 0
    assert "variations=100" in printed
    assert "zee-fcc" in printed


def test_inspect_shows_what_is_in_a_file(hepcol, shipped_file):
    code, printed, _ = hepcol("inspect", shipped_file, "-c", "Particle.p")
    assert code == 0
    assert "EDM4hep before version 1" in printed
    assert "schema FCCSchema, tree 'events', 4,000 events" in printed
    assert [line.split() for line in printed.splitlines() if line.strip().startswith("Particle.px")] == [
        ["Particle.px", "var", "*", "float32", "GeV"]
    ]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("test_FCC_Winter2023.root", "Particle.px var * float32 GeV"),
        ("edm4hep.root", "MCParticleCollection.px var * float64 GeV"),
        ("PHYSLITE_example.root", "Electrons.pt var * float32 MeV"),
        ("pfnano.root", "PFCands.pt var * float32 GeV"),
        ("nano_dy.root", "Electron.pt var * float32 GeV"),
    ],
)
def test_inspect_reads_every_format(hepcol, shared_data, name, column):
    code, printed, error = hepcol("inspect", shared_data / name)
    assert (code, error) == (0, "")
    assert column in [" ".join(line.split()) for line in printed.splitlines()]


def test_a_bug_in_a_processor_shows_where_it_is(hepcol, tmp_path):
    (tmp_path / "buggy.py").write_text("def buggy(events):\n    return {}['no such key']\n")
    code, printed, _ = hepcol("run", f"{tmp_path}/buggy.py:buggy", "zee-fcc", "-o", tmp_path / "out")
    assert code == 3
    assert printed.startswith("INCOMPLETE: 0 of 4,000 events processed; failed 4,000")
    assert 'buggy.py", line 2, in buggy' in printed
    assert (tmp_path / "out" / "ledger.jsonl").read_text().count('"status": "failed"') == 4


def test_names_that_look_like_markup_are_printed_as_they_are(hepcol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = "a[red]b"
    code, printed, _ = hepcol(
        "run", "zee", "zee-fcc", "-p", "variations=1", "-o", out, "--dataset", "../[bold]z", "--no-plots"
    )
    assert code == 0
    assert "../[bold]z" in printed
    assert "a[red]b/histograms.root" in printed


def test_inspect_sums_weights(hepcol, shared_data):
    _, printed, _ = hepcol("inspect", shared_data / "p8_ee_WW_ecm240_edm4hep.root", "-c", "EventHeader")
    assert "sum of weights: 10 (EventHeader.weight)" in printed
    _, printed, _ = hepcol("inspect", shared_data / "nano_dy.root", "-c", "Electron.pt")
    assert "Runs.genEventSumw" in printed


def test_help_imports_nothing_heavy():
    heavy = "coffea", "awkward", "numba", "numpy", "distributed", "rich", "matplotlib", "pydantic"
    code = (
        "import sys; from hepcol.cli import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: sys.exit(str([name for name in {heavy!r} if name in sys.modules] or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "[]")
    assert "sample" in done.stdout


def test_a_run_without_plots_needs_no_matplotlib(tmp_path, shipped_file):
    """To import it takes 0.3 s."""
    code = (
        "import sys; from hepcol.cli import main\n"
        f"try: main(['run', 'zee', {str(shipped_file)!r}, '--no-plots', '-o', {str(tmp_path / 'out')!r}])\n"
        "except SystemExit: sys.exit('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "summary.json").is_file()


@pytest.mark.parametrize("executor", ["iterative", "futures", "dask"])
def test_an_interrupt_stops_cleanly(executor, tmp_path, shipped_file):
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "def slow(events):\n"
        f"    Path({str(tmp_path / 'started')!r}).touch()\n"
        "    time.sleep(2)\n"
        "    return {'n': len(events)}\n"
    )
    command = [
        sys.executable,
        "-c",
        "from hepcol.cli import main; main()",
        "run",
        "slow.py:slow",
        str(shipped_file),
    ]
    options = ["-o", "out", "--chunksize", "50", "--executor", executor]
    process = subprocess.Popen(
        [*command, *options], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a job in the background starts with Ctrl-C ignored, and these tests may be one
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    try:
        printed, error = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 3, error
    assert printed.startswith("INCOMPLETE: ")
    assert "stopped: interrupted" in printed
    assert "hepcol retry out" in printed or "0 of 4,000 events processed" in printed
    assert "Traceback" not in error
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["events"]["processed"] + summary["events"]["skipped"] == 4000


@pytest.fixture(scope="module")
def fitted_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "out"
    with pytest.raises(SystemExit):
        main(
            [
                "run",
                "zee",
                "zee-fcc",
                "-p",
                "variations=12",
                "-p",
                "electrons=generator",
                "-o",
                str(folder),
                "--no-plots",
            ]
        )
    return folder


def test_fit_prints_the_result_and_where_it_is(hepcol, fitted_run):
    code, printed, _ = hepcol("fit", fitted_run, "--all")
    assert code == 0
    assert all(len(line) <= 80 for line in printed.splitlines() if str(fitted_run) not in line)
    assert "injected: 2.8284 GeV" in printed
    assert "mean of 12 fits of the same events" in printed
    assert len([line for line in printed.splitlines() if line.startswith(" smear_") and "converged" in line]) == 12
    pictures = {path.name for path in (fitted_run / "plots/zee-fcc/fit_resolution").iterdir()}
    assert {"fit.png", "fit.pdf", "all_fits.png", "result.png", "result_2d.png", "quality.png"} <= pictures


def test_fit_says_first_of_all_which_fits_may_not_be_used(hepcol, fitted_run):
    code, printed, _ = hepcol("fit", fitted_run, "--model", "original", "--no-plots")
    assert code == 3
    assert " of 12 fits may be used: " in printed.splitlines()[0]
    assert "at a bound: " in printed
    assert "no mean of" in printed


def test_fit_takes_parameters_that_float_or_stay(hepcol, fitted_run):
    code, printed, _ = hepcol("fit", fitted_run, "--no-plots", "--fix", "mean=91.19", "--free", "radiation", "--minos")
    assert code == 0
    record = json.loads((fitted_run / "fit_resolution.json").read_text())
    assert record["provenance"]["changes"]["mean"] == {"fixed": True, "start": 91.19}
    assert json.loads((fitted_run / "summary.json").read_text())["fit"]["resolution"]["changes"] == record["changes"]
    assert "changed: radiation free, mean = 91.19" in printed
    assert not (fitted_run / "plots/zee-fcc/fit_resolution").exists()  # which would show another fit
    first = record["datasets"]["zee-fcc"]["variations"]["smear_00"]
    assert first["free"] == ["yield", "sigma", "radiation"]
    assert "-0." in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "gauss"], "model must be one of resolution, original, got 'gauss'"),
        (["--range", "84.1", "98"], "84.1 is no edge"),
        (["--fix", "sigma"], "option 'sigma': expected NAME=VALUE"),
        (["--fix", "sigma=wide"], "parameter 'sigma=wide': expected a number"),
        (["--fix", "sigma=nan"], "parameter 'sigma=nan': expected a number"),
        (["--fix", "sigma=2", "--free", "sigma"], "parameter 'sigma' cannot be both free and fixed"),
        (["--fix", "sigma=2"], "parameter sigma is what the fit is for: it cannot be fixed"),
        (["--free", "gamma"], "has no parameter 'gamma'"),
    ],
)
def test_fit_refuses_in_one_line(hepcol, fitted_run, arguments, message):
    code, printed, errors = hepcol("fit", fitted_run, *arguments)
    assert code == 2
    assert printed == ""
    assert message in errors
    assert errors.count("\n") == 1


def test_a_repetition_does_not_replace_what_it_is_compared_with(hepcol, fitted_run):
    before = (fitted_run / "histograms.zip").read_bytes()
    code, _, errors = hepcol("rerun", fitted_run / "provenance.json", "-o", fitted_run, "--force")
    assert code == 2
    assert "is that of the run to be repeated, which would be lost" in errors
    assert (fitted_run / "histograms.zip").read_bytes() == before
