import socket
from pathlib import Path

import hypothesis
import pytest

CHECKOUT = Path(__file__).parent.parent
SHARED = CHECKOUT.parent / "shared"  # beside the checkout here and in CI, not on a user's machine
REFERENCE = "ee_Z_ee_EDM4Hep.root"  # the 5000 events of the original RDataFrame study

# the first call of a kernel compiles it, which no deadline allows for
hypothesis.settings.register_profile("hepcol", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("hepcol")


@pytest.fixture(scope="session")
def shared_data():
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the public sample files are not there: no ../shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def reference_file(shared_data):
    return shared_data / REFERENCE


@pytest.fixture(scope="session")
def shipped_file():
    return CHECKOUT / "samples" / "data" / "zee_fcc.root"


@pytest.fixture(scope="session")
def scheduler():
    """Address of a Dask scheduler with two workers."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield cluster.scheduler_address


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
