"""Dask's own report on a run."""

import re

import pytest

import hepcol
from hepcol import store
from hepcol.errors import InputError
from hepcol.execution import performance
from processors.zee import ZeeProcessor

PROCESSOR = ZeeProcessor(variations=2)


def work(output, scheduler, **how):
    return hepcol.run(PROCESSOR, "zee-fcc", scheduler=scheduler, output=output, dask_report=True, **how)


def test_the_report_of_dask_is_written_with_the_results_and_loads_nothing(tmp_path, scheduler, shipped_file):
    out = tmp_path / "out"
    run = work(out, scheduler)
    assert run.summary["warnings"] == []
    page = (out / store.DASK_REPORT).read_text()
    assert "Dask Performance Report" in page
    assert "bokeh" in page
    assert not re.search(r"<(script|link|img|iframe)\b[^>]*(src|href)=[\"']?https?:", page.partition("<body")[0])
    started = [chunk.started for chunk in run.chunks]
    assert 0 < max(started) - min(started) < 60
    # of another run without it, nothing is left
    hepcol.run(PROCESSOR, "zee-fcc", output=out, force=True)
    assert not (out / store.DASK_REPORT).exists()


def test_a_report_that_fails_is_a_warning_and_no_failed_run(tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr(performance, "_TIMEOUT_S", 1e-6)
    run = work(tmp_path / "out", scheduler)
    assert run.summary["complete"]
    (warning,) = run.summary["warnings"]
    assert warning.startswith("no report of Dask's: ")
    assert not (tmp_path / "out" / store.DASK_REPORT).exists()


def test_without_bokeh_there_is_a_warning(tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr(performance, "find_spec", lambda _: None)
    assert "bokeh, which draws it, is not installed" in work(tmp_path / "out", scheduler).summary["warnings"][0]


@pytest.mark.parametrize("how", [{"executor": "futures", "output": "out"}, {"executor": "dask"}])
def test_it_needs_dask_and_a_folder(how):
    with pytest.raises(InputError, match="dask_report needs the executor dask and an output folder"):
        hepcol.run(PROCESSOR, "zee-fcc", dask_report=True, **how)
