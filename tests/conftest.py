import functools
import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

CHECKOUT = Path(__file__).parent.parent
SHARED = CHECKOUT.parent / "shared"  # beside the checkout here and in CI, not on a user's machine
REFERENCE = "ee_Z_ee_EDM4Hep.root"  # the 5000 events of the original RDataFrame study

# the first call of a kernel compiles it, which no deadline allows for
hypothesis.settings.register_profile("hepcol", deadline=None, max_examples=50, derandomize=True)
hypothesis.settings.load_profile("hepcol")

# what is started in the background of a shell ignores Ctrl-C, and so would the processes that tests interrupt
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# of some 10 s and more, longest first, as with these at the end one process of two would wait for the other; and those
# that need the same kernels apart, as otherwise both processes compile them
LONG = (
    "tests/hepcol/execution/test_run.py",
    "tests/test_documentation.py",
    "tests/samples/stop4b/test_generate.py",
    "tests/processors/stop4b/test_processor.py",
    "tests/hepcol/inference/test_limits.py",
    "tests/hepcol/execution/test_resume.py",
    "tests/hepcol/inference/test_histfactory_folder.py",
    "tests/hepcol/execution/test_faults.py",
    "tests/benchmarks/test_rdataframe_stop4b.py",
    "tests/hepcol/skimming/test_formats.py",
    "tests/hepcol/skimming/test_skim.py",
    "tests/processors/test_zee_fits.py",
    "tests/benchmarks/test_rdataframe_study.py",
    "tests/processors/stop4b/test_folder.py",
    "tests/benchmarks/test_rdataframe_zee_atlas.py",
    "tests/hepcol/test_cli.py",
    "tests/test_examples.py",
    "tests/hepcol/execution/test_files_of_chunks.py",
    "tests/samples/test_generate.py",
    "tests/samples/stop4b/test_shipped.py",
    "tests/hepcol/inference/test_fit.py",
    "tests/benchmarks/test_bench_egamma.py",
    "tests/test_packaging.py",
    "tests/samples/zee_atlas/test_sample.py",
    "tests/benchmarks/test_rdataframe_identity.py",
    "notebooks/zee_demonstrator.ipynb",
    "tests/processors/test_calibration.py",
    "tests/hepcol/report/test_fits.py",
    "tests/processors/zee_atlas/test_processor.py",
    "tests/processors/test_skims.py",
    "tests/calib/egamma/test_calibrator.py",
    "tests/hepcol/kernels/test_jit.py",
    "tests/hepcol/execution/test_workers.py",
    "tests/samples/jets/test_generate.py",
    "tests/hepcol/execution/test_update.py",
    "tests/processors/jet_graphs/test_comparison.py",
    "tests/hepcol/graphs/test_construction.py",
    "tests/hepcol/execution/test_union.py",
    "tests/hepcol/inference/test_roofit.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the long files first."""
    place = {CHECKOUT / file: number for number, file in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def one_thread_for_linear_algebra():
    """With more, two processes of tests on two cores wait for each other: one test took 8 times as long."""
    import scipy.linalg  # noqa: F401  (with numpy's, the libraries to be told)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


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
def local_cluster():
    """Open a local Dask cluster, whose workers are forked as those of hepcol's own are: spawned ones need 2 s each."""
    import dask
    from distributed import LocalCluster

    from hepcol.execution.forkserver import start_forkserver

    method = {"distributed.worker.multiprocessing-method": start_forkserver()}

    @contextmanager
    def opened(workers, threads=1, memory_limit="auto", **config):
        options = {"threads_per_worker": threads, "memory_limit": memory_limit, "env": dict(os.environ)}
        # while it is open, as workers that die are forked anew
        with (
            dask.config.set(method | config),
            LocalCluster(n_workers=workers, dashboard_address=":0", silence_logs=50, **options) as cluster,
        ):
            yield cluster

    return opened


@pytest.fixture(scope="session")
def scheduler(local_cluster):
    """Address of a Dask scheduler with two workers."""
    from distributed import Client

    with local_cluster(2) as cluster:
        with Client(cluster) as client:  # not for longer: Dask takes a client that is open for that of other tests
            client.wait_for_workers(2)
        yield cluster.scheduler_address


@pytest.fixture(scope="session")
def processes():
    """A pool of two processes that stays between runs: each needs 2 s to start."""
    import loky

    from hepcol.execution.executors import serve

    with loky.ProcessPoolExecutor(2, initializer=serve, initargs=(os.getpid(),)) as pool:
        yield pool


@pytest.fixture
def shared_pool(processes, monkeypatch):
    """Let the executor futures work in the processes that there are, and leave them."""
    monkeypatch.setattr("hepcol.execution.executors.Pools.current", processes)


@functools.cache
def _synthetic_tables(model, resolution_type):
    from calib.egamma.calibrator import SYNTHETIC_AREA
    from calib.egamma.models import model_of
    from calib.egamma.tables import read_tables

    return read_tables(SYNTHETIC_AREA, model_of(model), resolution_type)


@pytest.fixture(scope="module")
def synthetic_area_once():
    """Read the tables of a model from the synthetic area once, which takes 0.4 s, and not for each tool."""
    from calib.egamma import calibrator, tables

    def read_tables(folder, model, resolution_type):
        if folder == calibrator.SYNTHETIC_AREA:
            return _synthetic_tables(model.name, resolution_type)
        return tables.read_tables(folder, model, resolution_type)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrator, "read_tables", read_tables)
        yield


@pytest.fixture
def closed_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
