"""The model of yields as cabinetry reads it from files, against ours."""

import cabinetry
import numpy as np
import pytest

from hepcol.export.cabinetry import cabinetry_files
from hepcol.inference.histfactory import build_workspace
from hepcol.inference.yields import FILE, write_yields
from hepcol.report.record import RunRecord


def modifiers(spec):
    return {
        (channel["name"], sample["name"], modifier["type"], modifier["name"]): modifier["data"]
        for channel in spec["channels"]
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
    }


def test_cabinetry_builds_our_model(small_yields, tmp_path, monkeypatch):
    write_yields(small_yields, tmp_path / FILE)
    files, warnings = cabinetry_files(RunRecord(tmp_path, {}, {}, {}, [], []), ["not physics"])
    assert warnings == []
    for name, content in files.items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.chdir(tmp_path / "model")
    built = cabinetry.workspace.build(cabinetry.configuration.load("cabinetry.yml"))
    ours = build_workspace(small_yields, "signal").spec
    theirs = modifiers(built)
    assert set(theirs) == set(modifiers(ours))
    for key, data in modifiers(ours).items():
        assert theirs[key] == (data if data is None else pytest.approx(data, rel=1e-14)), key
    assert built["measurements"] == ours["measurements"]
    models = [cabinetry.model_utils.model_and_data(spec) for spec in (ours, built)]
    generator = np.random.default_rng(1)
    for _ in range(5):
        values = {name: generator.uniform(0.8, 1.2) for name in models[0][0].config.par_names}
        densities = [
            float(model.logpdf([values[name] for name in model.config.par_names], data)[0]) for model, data in models
        ]
        assert densities[1] == pytest.approx(densities[0], rel=1e-12)
