"""Stand-ins for the commands of HTCondor and PBS: a job is a process of this machine.

Run as ``standin.py COMMAND FOLDER ARGUMENTS``; the folder has a file for each job, and what is to go wrong.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


def condor_submit(folder, arguments):
    """Start what a submit description names."""
    refuse(folder, "ERROR: Failed to parse command file (line 3).")
    number = next_number(folder)
    told = dict(re.findall(r"^\s*([\w.]+)\s*=\s*(.*)$", Path(arguments[-1]).read_text(), re.MULTILINE))
    logs = Path(told["LogDirectory"])
    start(folder, f"{number}.0", [told["Executable"], *unquoted(told["Arguments"])], logs / f"worker-{number}.0")
    pause(folder, "after")
    say(f"Submitting job(s).\n1 job(s) submitted to cluster {number}.")


def unquoted(text):
    """Take apart arguments as HTCondor's manual says: quotes are doubled, and single ones keep spaces together."""
    inside = text.strip()[1:-1].replace('""', '"')
    return [
        part[1:-1].replace("''", "'") if part.startswith("'") else part
        for part in re.findall(r"'(?:[^']|'')*'|\S+", inside)
    ]


def condor_rm(folder, arguments):
    end(folder, arguments)


def condor_q(folder, _):
    """List the jobs; those on hold as the plan says."""
    held = (folder / "held").exists()
    for name, process in jobs(folder).items():
        state = "5 the owner has no credentials" if held else "2 undefined" if alive(process) else None
        if state:
            say(f"{name.replace('.', ' ')} {state}")


def qsub(folder, arguments):
    """Start a script."""
    refuse(folder, "qsub: Unknown queue")
    number = next_number(folder)
    script = Path(arguments[-1]).read_text()
    (logs,) = re.findall(r"^#PBS -e (.*)/$", script, re.MULTILINE)
    copy = folder / f"script-{number}.sh"
    copy.write_text(script)
    start(folder, str(number), ["/bin/bash", str(copy)], Path(logs) / f"hepcol.e{number}")
    pause(folder, "after")
    say(f"{number}.server")


def qdel(folder, arguments):
    end(folder, arguments)


def qstat(folder, _):
    """List the jobs."""
    say("\nserver:\n                              Req'd  Req'd   Elap")
    say("Job ID  Username Queue Jobname SessID NDS TSK Memory Time  S Time")
    for name, process in jobs(folder).items():
        if alive(process):
            say(f"{name}.server me batch hepcol {process} 1 1 1gb 01:00 R 00:00")


def say(text):
    sys.stdout.write(f"{text}\n")


def pause(folder, when):
    """Take time before or after a job is submitted."""
    with suppress(FileNotFoundError):
        time.sleep(float((folder / f"pause-{when}").read_text()))


def refuse(folder, message):
    pause(folder, "before")
    if (folder / "refuse").exists():
        sys.exit(message)


def next_number(folder):
    number = 1
    while True:
        try:
            (folder / f"taken-{number}").touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return number


def start(folder, name, command, log):
    with Path(f"{log}.err" if log.suffix == ".0" else log).open("w") as errors:
        process = subprocess.Popen(command, stderr=errors, stdout=subprocess.DEVNULL, start_new_session=True)
    (folder / f"job-{name}").write_text(json.dumps(process.pid))


def jobs(folder):
    return {path.name.removeprefix("job-"): json.loads(path.read_text()) for path in sorted(folder.glob("job-*"))}


def alive(process):
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def end(folder, names):
    for name in names:
        with suppress(OSError, KeyError):
            os.killpg(jobs(folder)[name.partition(".server")[0]], signal.SIGTERM)


if __name__ == "__main__":
    command, place, *given = sys.argv[1:]
    with suppress(BrokenPipeError):
        globals()[command](Path(place), given)
