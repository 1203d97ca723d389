"""Files for HTCondor and Slurm: their commands are those that are documented, and their shell is sound."""

import os
import re
import shutil
import subprocess

import pytest

from tests.deploy.manifests import DEPLOY

CONDOR = DEPLOY / "htcondor"
SUBMISSIONS = ("run.sub", "worker.sub")
SCRIPTS = ("tls.sh", "htcondor/run.sh", "htcondor/worker.sh", "slurm/run.sbatch")
# of those in condor_submit's manual (htcondor.readthedocs.io, man-pages/condor_submit), what is of use here
COMMANDS = frozenset(
    {
        "arguments",
        "container_image",
        "environment",
        "error",
        "executable",
        "getenv",
        "hold",
        "input",
        "log",
        "max_retries",
        "on_exit_hold",
        "on_exit_hold_reason",
        "on_exit_remove",
        "output",
        "periodic_hold",
        "periodic_remove",
        "priority",
        "request_cpus",
        "request_disk",
        "request_gpus",
        "request_memory",
        "requirements",
        "retry_until",
        "should_transfer_files",
        "stream_error",
        "stream_output",
        "transfer_executable",
        "transfer_input_files",
        "transfer_output_files",
        "transfer_output_remaps",
        "universe",
        "use_oauth_services",
        "when_to_transfer_output",
    }
)
MACROS = frozenset({"ClusterId", "Process"})


def parsed(text):
    """Commands, what the user may set, and the line that queues."""
    commands, own, queue, depth = {}, set(), None, 0
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        assert queue is None, f"{line!r} is after the line that queues"
        if condition := re.fullmatch(r"if ! defined (\w+)", line):
            own.add(condition[1])
            depth += 1
        elif line == "endif":
            depth -= 1
        elif re.match(r"queue\b", line):
            queue = line
        else:
            key, equals, value = line.partition("=")
            assert equals, f"{line!r} is no command"
            commands[key.strip()] = value.strip()
    assert depth == 0
    return commands, own, queue


def unknown(text):
    """Commands that condor_submit does not know, which it would take for macros, and macros that nobody sets."""
    commands, own, queue = parsed(text)
    named = set(re.findall(r"\$\((\w+)\)", " ".join([*commands.values(), queue])))
    return (commands.keys() - COMMANDS - own) | (named - MACROS - own - commands.keys() - {"scheduler"})


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_submissions_have_commands_that_condor_submit_knows(name):
    text = (CONDOR / name).read_text()
    assert unknown(text) == set()
    commands, _, queue = parsed(text)
    assert queue.startswith("queue")
    assert (DEPLOY.parent / commands["executable"]).is_file()
    assert {"request_cpus", "request_memory", "request_disk", "log", "output", "error"} <= commands.keys()


@pytest.mark.parametrize(
    ("was", "becomes", "named"),
    [
        ("request_memory", "reqest_memory", "reqest_memory"),
        ("$(cores)", "$(core)", "core"),
        ("log =", "logs =", "logs"),
    ],
)
def test_a_misspelt_command_or_macro_is_found(was, becomes, named):
    assert named in unknown((CONDOR / "run.sub").read_text().replace(was, becomes))


def test_condor_s_own_parser_takes_them():
    """That of HTCondor's Python bindings, which need no HTCondor; what condor_submit does with it is not seen."""
    htcondor = pytest.importorskip("htcondor2", reason="HTCondor's bindings, htcondor, are not installed")
    run = htcondor.Submit((CONDOR / "run.sub").read_text())
    assert run.expand("arguments") == "zee zee-fcc -p variations=100 --executor futures --workers 4"
    given = "analysis=stop4b stop4b-objects\ncores=8\nscheduler=tls://host:8786\ncount=20\n"  # as on its command line
    run = htcondor.Submit(given + (CONDOR / "run.sub").read_text())
    assert run.expand("arguments") == "stop4b stop4b-objects --executor futures --workers 8"
    assert run.expand("request_cpus") == "8"
    worker = htcondor.Submit(given + (CONDOR / "worker.sub").read_text())
    assert worker.expand("arguments") == "tls://host:8786 10800"
    assert worker.expand(worker.getQArgs().strip("$()")) == "20"
    with pytest.raises(ValueError, match="parse"):
        htcondor.Submit((CONDOR / "run.sub").read_text().replace("if ! defined cores", "cores ?= 4"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_sound_shell(name):
    done = subprocess.run(["bash", "-n", DEPLOY / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "\nset -eu" in (DEPLOY / name).read_text()


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_finds_nothing(name):
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([shellcheck, DEPLOY / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_slurm_has_the_options_of_the_job(tmp_path):
    sbatch = shutil.which("sbatch")
    if sbatch is None:
        pytest.skip("sbatch is not installed")
    (tmp_path / "slurm.conf").write_text("ClusterName=none\nSlurmctldHost=localhost\n")  # asked for even with --help
    configured = {**os.environ, "SLURM_CONF": str(tmp_path / "slurm.conf")}
    known = subprocess.run([sbatch, "--help"], env=configured, capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^#SBATCH (--[a-z-]+)=", (DEPLOY / "slurm" / "run.sbatch").read_text(), flags=re.MULTILINE)
    assert len(options) == 6
    assert [option for option in options if not re.search(rf"{option}=", known)] == []
