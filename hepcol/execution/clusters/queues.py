"""What a batch system tells of the user's jobs."""

import getpass
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

_ANSWER_S = 10.0
_CONDOR = {"1": "pending", "2": "running", "3": "removed", "4": "ended", "5": "held", "6": "running", "7": "suspended"}
_PBS = {"Q": "pending", "W": "waiting", "H": "held", "R": "running", "S": "suspended", "E": "ending"}
_SLURM_BARS = 2
_CONDOR_ROW = re.compile(r"\d+\s+\d+\s+\d")
_PBS_ROW = re.compile(r"^\s*(\d+)\S*\s+\S+\s+.*?\s([A-Z])\s+\S+\s*$")


@dataclass(frozen=True)
class JobState:
    """What a batch system says of a job.

    Parameters
    ----------
    state : str
        ``pending``, ``running``, ``held``...
    reason : str
        Why it is so, if that is told.
    """

    state: str
    reason: str = ""


@dataclass(frozen=True)
class Queue:
    """A batch system.

    Parameters
    ----------
    submit, cancel : str
        Commands that submit and cancel a job.
    ask : sequence of str
        Command that lists the user's jobs, and no others.
    read : function
        Reads what that prints.
    """

    submit: str
    cancel: str
    ask: tuple[str, ...]
    read: Callable[[str], Iterator[tuple[str, JobState]]]

    def jobs(self) -> dict[str, JobState] | None:
        """Return the user's jobs by their number; None if the batch system does not tell."""
        try:
            text = _answer([part.format(user=getpass.getuser()) for part in self.ask])
        except (OSError, KeyError, subprocess.SubprocessError):  # KeyError of a user without a name
            return None
        return dict(self.read(text))

    def cancel_jobs(self, numbers: list[str]) -> None:
        """Cancel jobs.

        Raises
        ------
        OSError or SubprocessError
            If that does not work.
        """
        _answer([self.cancel, *numbers])


def _answer(command: list[str]) -> str:
    """Return what a command prints; neither Ctrl-C ends it, nor does it keep us waiting, nor what it has started."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True
    )
    try:
        told, errors = process.communicate(timeout=_ANSWER_S)
    except BaseException:
        kill_with_children(process.pid)
        process.wait()
        raise
    finally:
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, told, errors)
    return told


def kill_with_children(process: int) -> None:
    """Kill a process of a session of its own, and what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)


def _slurm(text: str) -> Iterator[tuple[str, JobState]]:
    for line in text.splitlines():
        if line.count("|") < _SLURM_BARS:  # a remark of the site's own
            continue
        number, state, reason = line.split("|", 2)
        yield number, JobState(state.lower(), "" if reason in ("None", "") else reason.strip("()"))


def _condor(text: str) -> Iterator[tuple[str, JobState]]:
    for line in text.splitlines():
        if not _CONDOR_ROW.match(line):  # likewise
            continue
        cluster, process, state, *reason = line.split(None, 3)
        told = reason[0].strip() if reason and reason[0].strip() != "undefined" else ""
        if state not in ("3", "4"):
            yield f"{cluster}.{process}", JobState(_CONDOR.get(state, f"in state {state}"), told)


def _pbs(text: str) -> Iterator[tuple[str, JobState]]:
    for row in filter(None, map(_PBS_ROW.match, text.splitlines())):
        if row[2] not in "CF":
            yield row[1], JobState(_PBS.get(row[2], f"in state {row[2]}"))


SLURM = Queue("sbatch", "scancel", ("squeue", "-h", "-u", "{user}", "-o", "%i|%T|%r"), _slurm)
HTCONDOR = Queue(
    "condor_submit", "condor_rm", ("condor_q", "-af", "ClusterId", "ProcId", "JobStatus", "HoldReason"), _condor
)
PBS = Queue("qsub", "qdel", ("qstat", "-u", "{user}"), _pbs)
