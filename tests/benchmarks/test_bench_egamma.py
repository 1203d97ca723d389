import json

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import egamma, report
from benchmarks.commands import bench
from benchmarks.egamma import Case
from benchmarks.egamma_electrons import ET_GEV, ETA_END, electrons, part
from benchmarks.measurement import BenchmarkError

RUN_BY_TESTS = ("data", "atlas", "fast", "FULL", "FULL-histograms", "correctionlib", "lookups", "threads", "start")


def sample_of(case, us):
    found = {one.key: 1.0 for one in egamma.QUANTITIES if one.subject == case.subject}
    return found | {"us": us, "variations": 8, "peak_mb": 300.0, "total_s": 1.0}


def samples_of(us=0.1):
    return {case: [sample_of(case, us * factor) for factor in (1, 2, 4)] for case in egamma.plan(quick=False)}


def described(samples):
    return egamma.describe(samples, 1_000_000, "synthetic", 3)


def test_electrons_are_the_same_in_any_sample_but_for_their_runs():
    data, simulation = electrons(5000, egamma.NEWEST, False), electrons(5000, egamma.NEWEST, True)
    older = electrons(5000, "es2018_R21_v1", False)
    for name in ("pt", "eta", "m", "cl_eta", "cl_phi", "cl_eta_s2", "cl_eta_calo", "cl_phi_calo"):
        assert data[name].dtype == np.float32
        assert np.array_equal(data[name], simulation[name])
        assert np.array_equal(data[name], older[name])
    et = np.hypot(data["pt"] * np.cosh(data["eta"]), data["m"]) / np.cosh(data["cl_eta"]) / 1000
    assert (ET_GEV[0] - 1e-3 < et.min()) & (et.max() < ET_GEV[1] + 1e-3)
    assert abs(data["cl_eta"]).max() < ETA_END + 1e-6
    assert np.array_equal(data["run_number"], simulation["random_run_number"])
    assert data["run_number"].min() > 430_000 > older["run_number"].max()
    assert len(part(data, 100, 300)["pt"]) == 200


@pytest.mark.parametrize(("quick", "models"), [(False, egamma.MODELS), (True, egamma.MODELS[2:])])
def test_the_plan_measures_every_pass_of_each_model(quick, models):
    cases = egamma.plan(quick)
    assert len(set(cases)) == len(cases)
    for one in egamma.PASSES:
        measured = [case.model for case in cases if case.subject == one.subject]
        assert measured == [model for model in models if (one.subject, model) != ("fast", "es2022_R22_PRE")]
    assert {Case(one.subject, egamma.NEWEST) for one in egamma.QUANTITIES} <= set(cases)


def test_the_table_tells_aims_that_are_missed_by_any_model():
    samples = samples_of(0.07)
    text = egamma.markdown(samples, described(samples))
    assert "| data, nominal | 0.140 (0.0700 - 0.280) |" in text
    assert text.count("at most 0.15: met") == 2
    assert "not interleaved" in text
    assert "missed" not in text
    samples[Case("data", "es2018_R21_v1")] = [sample_of(Case("data", "es2018_R21_v1"), 0.2)] * 3
    samples[Case("FULL", "es2018_R21_v1")] = [sample_of(Case("FULL", "es2018_R21_v1"), 9.0)] * 3  # has no aim
    text = egamma.markdown(samples, described(samples))
    assert text.count("**missed**") == 1


def test_what_is_written_can_be_read_again_and_goes_to_its_own_place(tmp_path):
    readme = tmp_path / "README.md"
    begin, end = egamma.MARKS
    other = f"{report.BEGIN}\nthe other\n{report.END}\n"
    readme.write_text(f"{other}between\n{begin}\nold\n{end}\nafter\n")
    samples = samples_of()
    text = egamma.write(tmp_path, samples, described(samples))
    report.insert(readme, text, egamma.MARKS)
    assert readme.read_text() == f"{other}between\n{begin}\n{text}{end}\nafter\n"
    found = json.loads((tmp_path / "egamma.json").read_text())
    assert found["cpp"]["us"]["all of FULL_v1, `atlas`"]["es2024_Run3_v0"] == 380.8
    with pytest.raises(BenchmarkError, match="benchmark egamma: begin"):
        report.place(other, readme, egamma.MARKS)


def test_the_command_measures_passes_of_a_few_electrons(tmp_path, monkeypatch):
    plan = [case for case in egamma.plan(quick=True) if case.subject in RUN_BY_TESTS and case.model == egamma.NEWEST]
    assert len(plan) == len(RUN_BY_TESTS)
    monkeypatch.setattr(egamma, "plan", lambda quick: plan)
    options = ["--quick", "--electrons", "2000", "--repeats", "1", "-o", str(tmp_path)]
    done = CliRunner().invoke(bench, ["egamma", *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "egamma.md").read_text() in done.output
    assert "| us per electron | es2024_Run3_v0, FULL_v1: 176 | aim |" in done.output
    assert "2,000 electrons, area synthetic (not physics)" in done.output
    found = json.loads((tmp_path / "egamma.json").read_text())
    assert found["quick"]
    assert found["given"] == "2000"
    samples = {case["subject"]: case["samples"][0] for case in found["cases"]}
    assert all(sample["total_s"] > 0 for sample in samples.values())
    assert 0 < samples["lookups"]["all_percent"] < 100


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--electrons", "3"], "Invalid value for '--electrons'"),
        (["--repeats", "0"], "Invalid value for '--repeats'"),
        (["--area", "nowhere"], "nowhere"),
        (["--readme", "README"], "no place for the tables"),
    ],
)
def test_a_wrong_option_is_one_line(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README").write_text("nothing\n")
    done = CliRunner().invoke(bench, ["egamma", "--quick", *options])
    assert done.exit_code == 2
    assert done.output.strip().splitlines()[-1].startswith("Error: ")
    assert message in done.output.strip().splitlines()[-1]
