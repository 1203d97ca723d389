"""Slurm's daemons on this machine, for the tests of this folder: one node with more slots than cores."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
SLOTS = 8
MUNGE_KEY = Path("/etc/munge/munge.key")
MUNGE_RUNS = Path("/run/munge")
CONFIGURATION = """\
ClusterName=ci
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={folder}/controller
SlurmdSpoolDir={folder}/node
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=100000
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
SlurmctldTimeout=30
SlurmdTimeout=30
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={slots} RealMemory=16000 State=UNKNOWN
PartitionName=ci Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=down Nodes={host} MaxTime=INFINITE State=DOWN
"""


def why_not():
    """Say why Slurm cannot be started here; nothing if it can."""
    missing = [name for name in NEEDED if find(name) is None]
    if missing:
        return f"{', '.join(missing)} not installed: tests/integration/install.sh installs it"
    if os.geteuid() != 0:
        return "Slurm's daemons are started as root"
    return "" if MUNGE_KEY.exists() else f"{MUNGE_KEY} is not there"


def find(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def slurm(folder):
    """Start munge and Slurm with all their files in a folder, and end them afterwards.

    Yields the environment variables with which its commands find it.
    """
    folder = Path(folder)
    for name in ("controller", "node"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    host = socket.gethostname().partition(".")[0]
    ports = dict(zip(("controller", "node"), free_ports(2), strict=True))
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(host=host, folder=folder, slots=SLOTS, **ports))
    variables = {"SLURM_CONF": str(configuration)}
    environment = os.environ | variables
    started = []
    try:
        for command in (
            [find("munged"), "--foreground", "--force", f"--socket={folder}/munge.socket", *_munge(folder)],
            [find("slurmctld"), "-D"],
            [find("slurmd"), "-D", "-N", host],
        ):
            with (folder / f"{Path(command[0]).name}.out").open("w") as output:
                started.append(subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT))
            if len(started) == 1:
                _wait_for((folder / "munge.socket").exists, started[0], folder / "munged.out")
        _wait_for(lambda: "idle" in _nodes(environment), started[-1], folder / "slurmctld.out")
        yield variables
    finally:
        if len(started) > 1:  # a job that is left would outlive the daemons
            with suppress(subprocess.SubprocessError):
                subprocess.run(["scancel", "-u", "root"], env=environment, capture_output=True, check=False, timeout=10)
                _wait_for_none(environment)
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _munge(folder):
    """Give munge files of its own, beside those of a munge that may run already."""
    return [
        f"--pid-file={folder}/munge.pid",
        f"--log-file={folder}/munge.log",
        f"--seed-file={folder}/munge.seed",
        f"--key-file={MUNGE_KEY}",
    ]


def _nodes(environment):
    with suppress(subprocess.SubprocessError):
        command = ["sinfo", "-h", "-o", "%t"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=5)
        return done.stdout
    return ""


def _wait_for_none(environment, timeout_s=10):
    """Wait until no job is left."""
    command, deadline = ["squeue", "-h"], time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=5)
        if not done.stdout:
            return
        time.sleep(0.2)


def _wait_for(ready, process, log, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args[0]} is not ready: {log.read_text()[-1000:]}")
        time.sleep(0.1)


def free_ports(number):
    """Ports of this machine that nobody listens on."""
    listeners = [socket.socket() for _ in range(number)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
