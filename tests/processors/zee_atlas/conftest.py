import subprocess
import sys
from pathlib import Path

import pytest

from processors.zee_atlas import ZeeAtlasProcessor
from samples.catalogue import ZEE_ATLAS, ZEE_ATLAS_DATA

# helpers of these tests, which importlib's mode does not put on the path
sys.path.insert(0, str(Path(__file__).parent))

_DROP = """
import sys, ROOT
source, target, *dropped = sys.argv[1:]
file = ROOT.TFile.Open(source)
tree = file.Get("CollectionTree")
for name in dropped:
    tree.SetBranchStatus(name, 0)
out = ROOT.TFile.Open(target, "RECREATE")
ROOT.gErrorIgnoreLevel = ROOT.kError
tree.CloneTree(-1, "fast").Write()  # as it is: links have no dictionary here
out.Close()
"""


@pytest.fixture(scope="session")
def simulation():
    return ZEE_ATLAS.path


@pytest.fixture(scope="session")
def data():
    return ZEE_ATLAS_DATA.path


@pytest.fixture(scope="session")
def full():
    """The processor with everything."""
    return ZeeAtlasProcessor(scale_factors="zee-atlas", in_situ=True, area="synthetic")


@pytest.fixture(scope="session")
def without(tmp_path_factory):
    """Copy the events without some branches: ROOT does, as uproot writes no element links."""
    pytest.importorskip("ROOT", reason="ROOT is not installed")

    def copied(source, *branches):
        target = tmp_path_factory.mktemp("without") / "some.root"
        command = [sys.executable, "-W", "ignore", "-c", _DROP, str(source), str(target), *branches]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return target

    return copied
