"""Files of clusters: what they may say, and what is said of one that is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import hepcol
from hepcol.cli import commands
from hepcol.errors import InputError
from hepcol.execution.clusters import Address, Local, Slurm, cluster_of
from hepcol.execution.clusters.batch import Batch
from hepcol.execution.clusters.configuration import KINDS
from hepcol.execution.clusters.quantities import clock, parse_memory

CHECKOUT = Path(__file__).parents[4]
EXAMPLES = sorted((CHECKOUT / "examples" / "clusters").glob("*.yaml"))


@pytest.fixture
def commands_of_batch_systems(tmp_path, monkeypatch):
    """Let the commands of batch systems be there: nothing is submitted."""
    monkeypatch.setattr("hepcol.execution.clusters.batch.shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("hepcol.execution.clusters.batch.psutil.net_if_addrs", lambda: {"lo": [], "ib0": []})


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "cluster.yaml"
        path.write_text(text)
        return path

    return write


def test_there_is_an_example_of_every_kind():
    assert {path.stem for path in EXAMPLES} == set(KINDS)


@pytest.mark.usefixtures("commands_of_batch_systems")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted_and_shows_what_it_would_start(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cluster = cluster_of(path)
    assert cluster.kind == path.stem
    assert cluster.preview()
    assert json.loads(json.dumps(cluster.told()))["kind"] == path.stem
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a table with 'kind', got NoneType"),
        ("- 1", "expected a table with 'kind', got list"),
        ("workers: 2", "kind: is missing; accepted: local, address, slurm, htcondor, pbs, kubernetes, gateway"),
        ("kind: slrum", "kind: expected one of local, address, .*, got 'slrum'"),
        ("kind: [local]", r"kind: expected one of local, address, .*, got \['local'\]"),
        ("kind: local\nkind: local", "not YAML: 'kind' is given twice"),
        ("kind: {", "not YAML: "),
        ("kind: local\nthraeds: 2", "thraeds: is unknown; accepted: .*threads"),
        ("kind: gateway\ntls: {ca_file: a, cert: b, key: c}", "tls: is unknown; accepted: "),
        ("kind: kubernetes\nimage: x\ntls: {}", "tls: is unknown; accepted: "),
        ("kind: kubernetes", "image: is missing"),
        ("kind: local\nworkers: 0", "workers: expected at least 1 worker, or minimum and maximum, got 0"),
        ("kind: local\nworkers: two", "workers: expected at least 1 worker, or minimum and maximum, got 'two'"),
        ("kind: local\nworkers: yes", "workers: expected at least 1 worker, or minimum and maximum, got True"),
        ("kind: local\nworkers: {minimum: 0, maximum: 3}", "workers.minimum: .*greater than or equal to 1, got 0"),
        ("kind: local\nworkers: {minimum: 4, maximum: 3}", "workers: expected a minimum of at most .*, got 4 and 3"),
        ("kind: local\nworkers: {minimum: 1}", "workers.maximum: is missing"),
        ("kind: local\nworkers: {max: 1}", "workers.max: is unknown; accepted: minimum, maximum"),
        ("kind: local\nmemory: 2", "memory: expected an amount with its unit, such as '2 GB' or '512 MiB', got 2"),
        ("kind: local\nmemory: 2 gigs", "memory: expected an amount with its unit, .*, got '2 gigs'"),
        ("kind: local\nthreads: 0", "threads: .*greater than or equal to 1, got 0"),
        ("kind: local\nno_worker_timeout: 30", "no_worker_timeout: expected a duration with its unit, .*, got 30"),
        (
            "kind: local\nno_worker_timeout: soon",
            "no_worker_timeout: expected a duration with its unit, .*, got 'soon'",
        ),
        ("kind: slurm\nwalltime: 02:00", "walltime: expected a duration with its unit, .* or '02:00:00', got"),
        ("kind: slurm\nlifetime: 2 h", "lifetime: with its stagger it has to be shorter than the walltime of 01:00:00"),
        ("kind: slurm\nstagger: 2 h", "stagger: expected less than the lifetime of 00:00:00, got 02:00:00"),
        ("kind: slurm\nlifetime: 30 s\nstagger: 1 min", "stagger: expected less than the lifetime of 00:00:30"),
        ("kind: slurm\nwalltime: 0.1 s", "walltime: expected at least 60 s, got 0.1 s"),
        (
            "kind: slurm\nwalltime: 12:00:00",
            "walltime: .*, got 43200; YAML takes 12:00:00 for a number unless it is in",
        ),
        (f"kind: slurm\nwalltime: '{'9' * 400} h'", "walltime: expected a duration with its unit, .*, got '9{59}$"),
        (f"kind: local\nmemory: {'9' * 400} GB", "memory: expected an amount with its unit, .*, got '9{59}$"),
        ("kind: slurm\nmemory: 1 kB", "memory: input should be greater than or equal to 1000000, got 1000"),
        ("kind: local\nworkers: 100001", "workers.maximum: input should be less than or equal to 100000, got 100001"),
        ("kind: local\nworkers: {maximum: yes}", "workers.maximum: input should be a valid integer, got True"),
        ("kind: slurm\nlog_directory: /dev/null/logs", "log_directory: expected a folder that .*: /dev/null is none"),
        ("kind: address\naddress: tcp://host", "address: expected tcp://HOST:PORT or .*, got 'tcp://host'"),
        ("kind: address\naddress: tcp://host:port", "address: expected tcp://HOST:PORT or .*, got 'tcp://host:port'"),
        ("kind: address\naddress: 'tcp://[bad:1'", r"address: expected tcp://HOST:PORT or .*, got 'tcp://\[bad:1'"),
        ("kind: address\naddress: me:x@host:1", "address: expected tcp://HOST:PORT or tls://HOST:PORT, got "),
        ("kind: slurm\ncores: 4\nprocesses: 3", "processes: expected a divisor of the 4 cores of a job, got 3"),
        (
            "kind: slurm\nworker_ports: 10100:10000",
            "worker_ports: expected the first and the last of .*, got '10100:10000'",
        ),
        ("kind: slurm\ninterface: ib1", "interface: expected one of lo, ib0, got 'ib1'"),
        ("kind: slurm\noptions: {cores: 1}", "options: 'cores' is given by a key of the file, or by hepcol"),
        ("kind: slurm\noptions: {no_such: 1}", "options: .*unexpected keyword argument 'no_such'"),
        ("kind: local\noptions: {n_workers: 1}", "options: 'n_workers' is given by a key of the file, or by hepcol"),
        ("kind: gateway\noptions: {auth: 1}", "options: 'auth' is given by a key of the file, or by hepcol"),
        ("kind: slurm\nscheduler_port: 70000", "scheduler_port: .*less than or equal to 65535, got 70000"),
        ("kind: slurm\njob_extra_directives: {a: b}", "job_extra_directives: .*valid tuple"),
        ("kind: htcondor\njob_extra_directives: [a]", "job_extra_directives: .*valid dictionary"),
        ("kind: htcondor\nqueue: short", "queue: HTCondor has none; use job_extra_directives"),
        ("kind: address", "address: is missing"),
        ("kind: address\naddress: host:8786", "address: expected tcp://HOST:PORT or tls://HOST:PORT, got 'host:8786'"),
        ("kind: address\naddress: tls://host:8786", "tls: tls://host:8786 needs ca_file, cert and key"),
        ("kind: local\nupload: [nowhere.py]", "upload: expected a module.py, .*: 'nowhere.py' is not there"),
        ("kind: local\nupload: [/etc]", "upload: expected a module.py, .*: '/etc' has no __init__.py"),
        (
            "kind: local\ntls: {ca_file: /nowhere.pem, cert: b, key: c}",
            "tls.ca_file: expected a file in PEM format, got '/nowhere.pem', which is not there",
        ),
    ],
)
@pytest.mark.usefixtures("commands_of_batch_systems")
def test_what_is_wrong_is_one_line_with_file_key_value_and_what_is_accepted(written, text, message):
    path = written(text)
    with pytest.raises(InputError, match=f"^{path}: {message}") as raised:
        cluster_of(path)
    assert "\n" not in str(raised.value)


def test_what_is_sent_has_to_be_readable_and_to_differ_by_name(written, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cuts.py").write_text("")
    (tmp_path / "broken.whl").write_text("not an archive")
    for paths, message in (
        (["broken.whl"], "'.*broken.whl' is no archive"),
        (["a/cuts.py", "b/cuts.py"], "expected names that differ, got .*a/cuts.py and .*b/cuts.py"),
    ):
        path = written(json.dumps({"kind": "local", "upload": [str(tmp_path / one) for one in paths]}))
        with pytest.raises(InputError, match=f"^{path}: upload: .*{message}"):
            cluster_of(path)


def test_files_of_tls_that_are_no_certificates_are_refused_before_anything_starts(written, tmp_path):
    folder = tmp_path / "certificates"
    subprocess.run([CHECKOUT / "examples/clusters/certificates.sh", folder], check=True, capture_output=True)
    (folder / "text").write_text("no certificate")
    good = {"ca_file": f"{folder}/ca.pem", "cert": f"{folder}/node.pem", "key": f"{folder}/node.key"}
    assert cluster_of({"kind": "local", "tls": good}).tls.ca_file == good["ca_file"]
    for name, other, of in (("ca_file", "text", "ca_file"), ("key", "ca.key", "cert, key"), ("cert", "text", "cert, ")):
        path = written(json.dumps({"kind": "local", "tls": good | {name: f"{folder}/{other}"}}))
        with pytest.raises(InputError, match=f"^{path}: tls: {of}.*: expected .*/{other}'.*Error"):
            cluster_of(path)


@pytest.mark.usefixtures("commands_of_batch_systems")
def test_looking_at_a_cluster_leaves_no_folder_of_logs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cluster_of({"kind": "slurm", "log_directory": "a/b/c"})
    assert list(tmp_path.iterdir()) == []


def test_an_address_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(InputError, match="no answer within") as raised:
        hepcol.run(count, "zee-fcc", cluster={"kind": "address", "address": "tcp://me:hunter2@127.0.0.1:1"})
    assert "hunter2" not in str(raised.value)
    with pytest.raises(InputError, match=r"scheduler tcp://\[bad: no answer"):
        hepcol.run(count, "zee-fcc", scheduler="tcp://[bad")


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"missing\.yaml: cannot be read: No such file or directory"):
        cluster_of(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        ("slurm", "dask_jobqueue", "batch"),
        ("htcondor", "dask_jobqueue", "batch"),
        ("pbs", "dask_jobqueue", "batch"),
        ("kubernetes", "dask_kubernetes", "kubernetes"),
        ("gateway", "dask_gateway", "gateway"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(monkeypatch, kind, module, extra):
    monkeypatch.setattr("hepcol.execution.clusters.cluster.importlib.util.find_spec", lambda name: None)
    given = {"kind": kind, **({"image": "x"} if kind == "kubernetes" else {})}
    message = f"cluster: kind: {kind}: needs {module}, which is not installed: pip install 'hepcol\\[{extra}\\]'"
    with pytest.raises(InputError, match=message):
        cluster_of(given)


def test_a_batch_system_that_is_not_here_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="kind: slurm: needs sbatch, which is not here: run where jobs are submitted"):
        cluster_of({"kind": "slurm"})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("90 s", 90), ("30 min", 1800), ("1.5 h", 5400), ("2d", 172800), ("02:00:01", 7201), ("1-00:00:00", 86400)],
)
def test_durations_have_units(given, seconds):
    assert Local(no_worker_timeout=given).no_worker_timeout == seconds


@pytest.mark.parametrize(("given", "size"), [("2 GB", 2 * 10**9), ("512MiB", 512 * 2**20), ("1.5 kB", 1500)])
def test_sizes_of_memory_have_units(given, size):
    assert Local(memory=given).memory == size


@pytest.mark.parametrize(("seconds", "text"), [(59, "00:00:59"), (3600, "01:00:00"), (360000, "100:00:00")])
def test_a_walltime_is_written_as_batch_systems_read_it(seconds, text):
    assert clock(seconds) == text


@pytest.mark.parametrize("walltime", ["10 min", "1 h", "1 d"])
def test_workers_end_before_the_walltime(walltime):
    cluster = Slurm(walltime=walltime)
    lifetime, stagger = cluster.worker_lifetime()
    latest = lifetime + stagger
    assert 0.89 * cluster.walltime < latest <= cluster.walltime - min(300, 0.099 * cluster.walltime)
    assert stagger > 0


def test_a_lifetime_can_be_given_or_off():
    assert Slurm(lifetime="20 min", stagger="1 min").worker_lifetime() == (1200, 60)
    for off in (False, "off"):  # YAML reads off as no
        assert Slurm(lifetime=off).worker_lifetime() == (0, 0)
    assert "--lifetime" not in Slurm(lifetime="off").preview()
    assert "--lifetime 1200s --lifetime-stagger 60s" in Slurm(lifetime="20 min", stagger="1 min").preview()


def script_of(tmp_path, **given):
    return cluster_of({"log_directory": str(tmp_path / "logs"), **given}).preview()


@pytest.mark.usefixtures("commands_of_batch_systems")
def test_a_script_of_slurm_asks_for_what_the_file_says(tmp_path):
    script = script_of(
        tmp_path,
        kind="slurm",
        cores=4,
        memory="8 GiB",
        walltime="2 h",
        queue="short",
        project="atlas",
        worker_ports="10000:10009",
        python="/opt/python",
        job_script_prologue=["module load gcc"],
        job_extra_directives=["--constraint=avx2"],
        worker_extra_args=["--resources", "GPU=1"],
    )
    for line in ("-p short", "-A atlas", "--cpus-per-task=4", "--mem=8G", "-t 02:00:00", "--constraint=avx2"):
        assert f"#SBATCH {line}\n" in script
    assert "\nmodule load gcc\n/opt/python -m distributed.cli.dask_worker " in script
    assert "--nthreads 1 --memory-limit 2.00GiB --nworkers 4 " in script
    assert "--worker-port 10000:10004 --nanny-port 10005:10009" in script
    assert "--resources GPU=1" in script


@pytest.mark.usefixtures("commands_of_batch_systems")
def test_a_script_of_condor_asks_for_what_the_file_says(tmp_path):
    script = script_of(
        tmp_path,
        kind="htcondor",
        cores=2,
        memory="4 GB",
        disk="3 GB",
        walltime="8 h",
        job_extra_directives={"MY.JobFlavour": '"workday"'},
    )
    for line in ("MY.DaskWorkerCores = 2", "MY.DaskWorkerDisk = 3000000000", "MY.MaxRuntime = 28800"):
        assert f"{line}\n" in script
    assert 'MY.JobFlavour = "workday"\n' in script


@pytest.mark.usefixtures("commands_of_batch_systems")
def test_a_script_of_pbs_asks_for_what_the_file_says(tmp_path):
    script = script_of(tmp_path, kind="pbs", cores=8, memory="24 GB", queue="batch", project="p", walltime="2 h")
    for line in ("-q batch", "-A p", "-l select=1:ncpus=8:mem=23GB", "-l walltime=02:00:00"):
        assert f"#PBS {line}\n" in script


@pytest.mark.usefixtures("commands_of_batch_systems")
def test_options_go_to_what_makes_the_jobs(tmp_path):
    assert "#!/bin/dash" in script_of(tmp_path, kind="slurm", options={"shebang": "#!/bin/dash"})


def test_a_scheduler_that_is_open_to_the_network_is_warned_of():
    open_ones = [Address(address="tcp://10.1.2.3:8786"), Slurm(), Slurm(interface="ib0"), Slurm(scheduler_host="node")]
    for cluster in open_ones:
        (warning,) = cluster.warnings()
        assert "open to the network without TLS: whoever can connect to it runs code as you" in warning
    for cluster in (Address(address="tcp://127.0.0.1:8786"), Address(address="tcp://[::1]:8786"), Local()):
        assert cluster.warnings() == []
    assert Slurm(interface="lo").warnings() == []


def test_provenance_tells_no_secrets(tmp_path, monkeypatch):
    secret = "hunter2"
    clusters = [
        Slurm(job_script_prologue=(f"export TOKEN={secret}",), options={"job_cpu": secret}, queue="q"),
        Address(address=f"tcp://me:{secret}@10.0.0.1:8786"),
        cluster_of({"kind": "kubernetes", "image": "x", "env": {"TOKEN": secret}, "options": {"label": secret}}),
        cluster_of({"kind": "gateway", "address": f"https://me:{secret}@hub", "options": {"token": secret}}),
    ]
    for cluster in clusters:
        assert secret not in json.dumps(cluster.told())
        assert not isinstance(cluster, Batch) or cluster.told()["queue"] == "q"
        if cluster.kind != "slurm":
            assert secret not in cluster.preview()


def count(events):
    return {"n": len(events)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cluster": {"kind": "local"}, "scheduler": "tcp://x:1"}, "expected a cluster or a scheduler, got both"),
        ({"cluster": {"kind": "local"}, "workers": 3}, "the number of workers is that of the cluster, got workers = 3"),
        ({"cluster": {"kind": "local"}, "executor": "futures"}, r"a cluster \(local\) needs the executor dask"),
        ({"cluster": {"kind": "local"}, "threads": 2}, "threads must be 1, or more with the executor iterative"),
        ({"cluster": 3}, "cluster: expected a file, a mapping or a Cluster, got 3"),
        ({"cluster": {"kind": "local", "options": {"n_workers": 1}}}, "options: 'n_workers' is given by a key"),
    ],
)
def test_what_does_not_go_together_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        hepcol.run(count, "zee-fcc", **options)


def test_the_command_says_what_is_wrong_in_one_line(written):
    path = written("kind: local\nmemory: lots")
    for arguments in (["cluster", "check", str(path)], ["run", "zee", "zee-fcc", "-o", "out", "--cluster", str(path)]):
        done = CliRunner().invoke(commands, arguments)
        assert done.exit_code == 2
        assert done.output == (
            f"Error: {path}: memory: expected an amount with its unit, such as '2 GB' or '512 MiB', got 'lots'\n"
        )


def test_the_check_shows_what_would_be_started_and_warns(written):
    path = written("kind: address\naddress: tcp://10.0.0.1:8786")
    done = CliRunner().invoke(commands, ["cluster", "check", str(path)])
    assert done.exit_code == 0, done.output
    assert f"{path}: address; address: tcp://10.0.0.1:8786" in done.output
    assert "warning: scheduler tcp://10.0.0.1:8786 is open to the network without TLS" in done.output


def test_what_batch_systems_need_leaves_ctrl_c_as_it_is():
    """In a process of its own: dask-jobqueue takes the signal as it is imported, once."""
    code = (
        "import signal, sys\nfrom hepcol.execution.clusters import Slurm\nSlurm().preview()\n"
        "sys.exit(signal.getsignal(signal.SIGINT) is not signal.default_int_handler)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=CHECKOUT).returncode == 0


def test_memory_of_a_command_is_read_as_in_a_file():
    assert parse_memory("2GB") == 2 * 1000**3
    assert parse_memory("2 GiB") == 2 * 1024**3
    for wrong in ("2", "GB", "-1GB", "0GB", "2XB", ""):
        with pytest.raises(InputError, match="memory: expected an amount with its unit, such as '2 GB'"):
            parse_memory(wrong)
