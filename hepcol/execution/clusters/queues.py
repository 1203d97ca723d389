"""What a batch system tells of the user's jobs."""

import getpass
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_ANSWER_S = 10.0
_CONDOR = {"1": "pending", "2": "running", "3": "removed", "4": "ended", "5": "held", "6": "running", "7": "suspended"}
_PBS = {"Q": "pending", "W": "waiting", "H": "held", "R": "running", "S": "suspended", "E": "ending"}
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
        command = [part.format(user=getpass.getuser()) for part in self.ask]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_ANSWER_S)
        except (OSError, subprocess.SubprocessError):
            return None
        return dict(self.read(done.stdout))

    def cancel_jobs(self, numbers: list[str]) -> None:
        """Cancel jobs; those that have ended by themselves are none of ours any more."""
        subprocess.run([self.cancel, *numbers], capture_output=True, check=False, timeout=_ANSWER_S)


def _slurm(text: str) -> Iterator[tuple[str, JobState]]:
    for line in text.splitlines():
        number, state, reason = line.split("|", 2)
        yield number, JobState(state.lower(), "" if reason in ("None", "") else reason.strip("()"))


def _condor(text: str) -> Iterator[tuple[str, JobState]]:
    for line in text.splitlines():
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
