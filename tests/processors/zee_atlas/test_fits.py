"""The fits of the peak: what is nominal, and what systematics change about it."""

import pytest

import hepcol
from hepcol.inference.folder import fit_folder
from hepcol.report.fit_table import print_fit
from processors.zee_atlas import ZeeAtlasProcessor


@pytest.fixture(scope="module")
def folder(tmp_path_factory, simulation):
    target = tmp_path_factory.mktemp("fits") / "run"
    processor = ZeeAtlasProcessor(systematics="EG_SCALE_EXTRARUN3PRE__1up", area="synthetic")
    hepcol.run(processor, simulation, output=target, chunksize=20_000)
    return target


def test_the_result_is_the_nominal_one_with_the_systematics_in_quadrature(folder, capsys):
    done = fit_folder(folder, "position")
    (part,) = done.datasets
    nominal, varied = part.results[:, 0]
    told = part.to_json()
    assert part.spectra[0].range == (80.0, 100.0)
    assert told["mean"] is told["standard_deviation"] is None
    assert told["nominal"]["value"] == pytest.approx(nominal)
    assert told["nominal"]["up"] == pytest.approx(varied - nominal)
    assert varied - nominal == pytest.approx(0.004 * 91.2, rel=0.05)  # 0.4 % of the scale
    assert told["nominal"]["down"] == 0
    print_fit(done)
    assert "(stat)" in capsys.readouterr().out
