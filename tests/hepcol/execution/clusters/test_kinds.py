"""Clusters of this machine for real; Kubernetes and gateways by stand-ins for what makes them."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import hepcol
from hepcol.errors import InputError
from hepcol.execution.clusters import Gateway, Kubernetes, Local, cluster_of
from hepcol.execution.clusters.cluster import Connected
from hepcol.execution.clusters.watch import Watch
from hepcol.options import build_processor

CHECKOUT = Path(__file__).parents[4]


@pytest.fixture
def count(tmp_path):
    path = tmp_path / "count.py"
    path.write_text("def count(events):\n    return {'n': len(events)}\n")
    return build_processor(f"{path}:count")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([CHECKOUT / "examples/clusters/certificates.sh", folder], check=True, capture_output=True)
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    return {"ca_file": f"{folder}/ca.pem", "cert": f"{folder}/node.pem", "key": f"{folder}/node.key"}


def test_a_local_cluster_is_what_its_file_says(count, tmp_path, certificates):
    path = tmp_path / "cluster.yaml"
    path.write_text(
        yaml.safe_dump({"kind": "local", "workers": 1, "memory": "1 GB", "threads": 2, "tls": certificates})
    )
    with cluster_of(path).connect() as connected:
        client = connected.client
        (worker,) = client.scheduler_info()["workers"].values()
        assert client.scheduler.address.startswith("tls://")
        assert (worker["nthreads"], worker["memory_limit"]) == (2, 10**9)
    run = hepcol.run(count, "zee-fcc", cluster=path, output=tmp_path / "out")
    assert run.result == {"n": 4000}
    told = yaml.safe_load((tmp_path / "out" / "provenance.json").read_text())["cluster"]
    assert told == {"kind": "local", "workers": 1, "threads": 2, "memory_bytes": 10**9}


def test_a_scheduler_with_tls_is_reached_with_its_certificates_and_not_without(count, certificates):
    with cluster_of({"kind": "local", "workers": 1, "tls": certificates}).connect() as connected:
        address = connected.client.scheduler.address
        run = hepcol.run(count, "zee-fcc", cluster={"kind": "address", "address": address, "tls": certificates})
        assert run.result == {"n": 4000}
        with pytest.raises(InputError, match=r"scheduler tls://.*: no answer within 10 s"):
            hepcol.run(count, "zee-fcc", scheduler=address)


def test_a_local_cluster_grows_when_there_is_work(tmp_path):
    path = tmp_path / "slow.py"
    path.write_text("import time\n\ndef slow(events):\n    time.sleep(0.5)\n    return {'n': len(events)}\n")
    cluster = {"kind": "local", "workers": {"minimum": 1, "maximum": 2}}
    run = hepcol.run(build_processor(f"{path}:slow"), "zee-fcc", cluster=cluster, chunksize=100)
    assert run.result == {"n": 4000}
    assert len({chunk.worker for chunk in run.chunks}) == 2


def test_a_scheduler_without_workers_is_given_up_with_what_is_known(count, local_cluster, monkeypatch, caplog):
    monkeypatch.setattr("hepcol.execution.clusters.watch.TELLS_AFTER_S", 1.0)
    with local_cluster(0) as cluster:
        given = {"kind": "address", "address": cluster.scheduler_address, "no_worker_timeout": "3 s"}
        with pytest.raises(
            InputError, match=r"scheduler tcp://.*: no worker came within 3 s: start workers with dask w"
        ):
            hepcol.run(count, "zee-fcc", cluster=given)
    assert "no worker for" in caplog.text


class OnThisMachine:
    """Stands for a cluster of Kubernetes or of a gateway: notes what it was given, and has a local one."""

    made: list = []  # noqa: RUF012  (a stand-in)
    cluster = None

    def __init__(self, **given):
        self.given, self.asked, self.closed = given, [], False
        self.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = True

    def __getattr__(self, name):
        return getattr(self.cluster, name)

    def scale(self, number):
        self.asked.append(number)

    def adapt(self, **bounds):
        self.asked.append(bounds)

    def get_client(self, set_as_default):
        from distributed import Client

        return Client(self.cluster, set_as_default=set_as_default)


@pytest.fixture
def stand_in(cluster_of_this_machine, monkeypatch):
    made = type("StandIn", (OnThisMachine,), {"made": [], "cluster": cluster_of_this_machine})
    monkeypatch.setattr("dask_kubernetes.operator.KubeCluster", made)
    monkeypatch.setattr("dask_gateway.GatewayCluster", made)
    return made


@pytest.fixture(scope="module")
def cluster_of_this_machine(local_cluster):
    with local_cluster(1) as cluster:
        yield cluster


SIZES = [(3, [3]), ({"minimum": 1, "maximum": 5}, [{"minimum": 1, "maximum": 5}])]


@pytest.mark.parametrize(("workers", "asked"), SIZES)
def test_a_gateway_is_asked_for_what_the_file_says(stand_in, count, workers, asked):
    given = {"kind": "gateway", "address": "https://hub/gateway", "auth": "jupyterhub", "workers": workers}
    run = hepcol.run(count, "zee-fcc", cluster={**given, "options": {"image": "x"}})
    assert run.result == {"n": 4000}
    (made,) = stand_in.made
    assert made.given == {
        "address": "https://hub/gateway",
        "auth": "jupyterhub",
        "image": "x",
        "shutdown_on_close": True,
    }
    assert made.asked == asked
    assert made.closed


@pytest.mark.parametrize(("workers", "asked"), SIZES)
def test_the_operator_is_given_what_the_file_says(stand_in, count, workers, asked):
    given = {"kind": "kubernetes", "image": "hepcol:1", "namespace": "hep", "workers": workers, "cores": 2}
    run = hepcol.run(count, "zee-fcc", cluster={**given, "env": {"A": "b"}, "options": {"idle_timeout": 60}})
    assert run.result == {"n": 4000}
    (made,) = stand_in.made
    spec = made.given["custom_cluster_spec"]
    assert spec["kind"] == "DaskCluster"
    worker = spec["spec"]["worker"]
    assert worker["replicas"] == (workers if isinstance(workers, int) else 1)
    (container,) = worker["spec"]["containers"]
    assert container["image"] == "hepcol:1"
    assert container["args"][:6] == ["dask", "worker", "--nthreads", "1", "--memory-limit", "2000000000"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2000000000"}
    assert container["env"] == [{"name": "A", "value": "b"}]
    assert (made.given["namespace"], made.given["idle_timeout"]) == ("hep", 60)
    assert made.asked == ([] if isinstance(workers, int) else asked)
    assert made.closed


@pytest.mark.parametrize(
    ("cluster", "place"),
    [(Kubernetes(image="x"), "dask_kubernetes.operator.KubeCluster"), (Gateway(), "dask_gateway.GatewayCluster")],
)
def test_what_cannot_be_reached_is_one_line(cluster, place, monkeypatch, count):
    def refuse(**_):
        raise ConnectionError("nobody\nthere")

    monkeypatch.setattr(place, refuse)
    with pytest.raises(InputError, match=rf"kind: {cluster.kind}: no cluster \(ConnectionError: nobody there\)"):
        hepcol.run(count, "zee-fcc", cluster=cluster)


@pytest.mark.parametrize("cluster", [Kubernetes(image="x", namespace="hep"), Gateway()])
def test_a_scheduler_that_does_not_come_is_told(cluster, monkeypatch, caplog, count):
    def take_long(**_):
        time.sleep(0.5)
        raise ConnectionError("given up")

    monkeypatch.setattr("dask_kubernetes.operator.KubeCluster", take_long)
    monkeypatch.setattr("dask_gateway.GatewayCluster", take_long)
    monkeypatch.setattr("hepcol.execution.clusters.connection.TELLS_AFTER_S", 0.1)
    with pytest.raises(InputError, match="given up"):
        hepcol.run(count, "zee-fcc", cluster=cluster)
    (told,) = [record.getMessage() for record in caplog.records if record.name == "hepcol.clusters"]
    assert told.startswith(f"cluster {cluster.kind}: no scheduler for ")
    assert told.endswith((" tells why", "its pods do"))


class ShortLived(Local):
    """A cluster whose workers are said to end after two seconds."""

    @contextmanager
    def connect(self):
        with super().connect() as connected:
            yield replace(connected, lifetime_s=2.0)


def test_a_chunk_that_outlasts_every_worker_ends_the_run_and_the_others_are_kept(tmp_path, monkeypatch, shipped_file):
    monkeypatch.setattr("hepcol.execution.executors._LOOK_S", 0.0)  # while files are opened, too
    path = tmp_path / "long.py"
    path.write_text(
        "import time\n\ndef long(events):\n"
        "    time.sleep(60 if events.metadata['entrystart'] == 0 else 0)\n    return {'n': len(events)}\n"
    )
    given = {"cluster": ShortLived(workers=2), "chunksize": 1000, "allow_incomplete": True}
    file = shutil.copy(shipped_file, tmp_path / "zee.root")  # which nobody has opened before
    run = hepcol.run(build_processor(f"{path}:long"), str(file), **given)
    assert run.result == {"n": 3000}
    assert run.summary["stopped"] == (
        "no chunk ended in 3 lifetimes of a worker (2 s each), after which it is repeated from its start: "
        "smaller chunks, or a longer lifetime"
    )


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, False),
        ({"host": "0.0.0.0"}, True),
        ({"interface": "eth0"}, True),
        ({"host": "tcp://127.0.0.1"}, False),
        ({"host": "0.0.0.0", "protocol": "tls://", "security": True}, False),
    ],
)
def test_a_local_scheduler_that_options_open_to_the_network_is_warned_of(options, warned):
    assert [w[:53] for w in Local(options=options).warnings()] == warned * [
        "the scheduler of cluster local is open to the network"
    ]


def test_a_watch_that_finds_no_worker_says_where_to_look():
    class Client:
        def scheduler_info(self, n_workers):
            raise OSError("gone")

    connected = Connected(Client(), "cluster kubernetes", hint="kubectl get pods tells why")
    with Watch(connected) as watch, pytest.raises(InputError, match=r"within 0\.2 s: kubectl get pods tells why"):
        watch.first_worker(0.2)


INTERRUPTED = """
import os, signal, sys, threading
import distributed

class Interrupted(distributed.LocalCluster):
    async def _start(self):
        os.killpg(0, signal.SIGINT)  # as a terminal does: every process of the group
        await super()._start()
        os.killpg(0, signal.SIGINT)

if __name__ == "__main__":
    distributed.LocalCluster = Interrupted
    from hepcol.cli import main
    main(["run", sys.argv[1], "zee-fcc", "-o", sys.argv[2], "--executor", "dask", "--no-plots"])
"""


def test_ctrl_c_while_a_local_cluster_starts_ends_the_run_and_its_processes(tmp_path):
    script, processor = tmp_path / "interrupted.py", tmp_path / "count.py"
    script.write_text(INTERRUPTED)
    processor.write_text("def count(events):\n    return {'n': len(events)}\n")
    done = subprocess.run(
        [sys.executable, script, f"{processor}:count", tmp_path / "out"],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,  # it reads to the end of what any of its processes may write
        start_new_session=True,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr == "hepcol: interrupted; nothing was written\n"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"options": {"no_such": 1}}, "Dask does not start: .*no_such"),
        ({"local_directory": __file__}, "Dask does not start: "),
    ],
)
def test_a_local_cluster_that_does_not_start_is_one_line(count, more, message):
    with pytest.raises(InputError, match=f"kind: local: {message}") as raised:
        hepcol.run(count, "zee-fcc", cluster={"kind": "local", "workers": 1, **more})
    assert "\n" not in str(raised.value)
