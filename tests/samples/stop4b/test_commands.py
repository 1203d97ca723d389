"""``hepcol sample make stop4b``: what is refused, in one line."""

import sys

import pytest
from click.testing import CliRunner

from samples.commands import sample
from samples.stop4b import Request

GOOD = {"--process": "Wt", "--campaign": "mc16a", "--events": "10"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"--process": "tW"}, "no process 'tW'; there are: signal, ttbar, Wt, Zjets, VV, ttZ, Others, Fakes, Data"),
        ({"--campaign": "mc20a"}, "no campaign 'mc20a'; there are: mc16a, mc16d, mc16e, data15"),
        ({"--campaign": "data15"}, "campaign data15 is of data; simulation has mc16a, mc16d, mc16e"),
        ({"--events": "0"}, "events must be at least 1, got 0"),
        ({"--form": "xaod"}, "form must be flat or objects, got 'xaod'"),
        ({"--seed": "-1"}, "seed must be from 0"),
        ({"--workers": "0"}, "workers must be at least 1, got 0"),
        ({"--point": "400,320"}, "process Wt has no point; only signal has"),
        ({"--process": "signal"}, "process signal needs the masses of its point, such as --point 400,320"),
        ({"--process": "signal", "--point": "400"}, "point must be two masses in GeV such as 400,320, got '400'"),
        ({"--process": "signal", "--point": "401,320"}, "no cross section for a stop of 401 GeV"),
        ({"--process": "signal", "--point": "400,300"}, "stop minus neutralino is 100 GeV; a four-body decay needs 8"),
        ({"--process": "Data", "--point": "400,320"}, "process Data has no point"),
        ({"-o": "missing/a.root"}, "folder missing does not exist"),
    ],
)
def test_refuses_in_one_line(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [word for pair in (GOOD | options).items() for word in pair]
    result = CliRunner().invoke(sample, ["make", "stop4b", *arguments])
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("near_regions", [False, True])
def test_options_are_the_request(near_regions, tmp_path, monkeypatch):
    made = []

    def write(path, request, **how):
        made.append((request, how["workers"]))
        path.write_text("made")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("samples.stop4b.generate", write)
    arguments = [word for pair in GOOD.items() for word in pair] + ["--near-regions"] * near_regions
    result = CliRunner().invoke(sample, ["make", "stop4b", *arguments, "--workers", "2", "--seed", "5"])
    assert result.output == "wrote mc16a-Wt-flat.root: 0.0 MB\n"
    assert made == [(Request("Wt", "mc16a", 10, seed=5, near_regions=near_regions), 2)]


@pytest.mark.parametrize("module", ["pythia8mc", "fastjet"])
def test_names_the_extra_that_is_missing(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    for ours in ("samples.stop4b.generator", "samples.clustering"):
        monkeypatch.delitem(sys.modules, ours, raising=False)
    arguments = [word for pair in GOOD.items() for word in pair]
    result = CliRunner().invoke(sample, ["make", "stop4b", *arguments])
    assert result.exit_code == 2
    assert "pip install 'hepcol[samples]'" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
