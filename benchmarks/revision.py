"""The state of the code that is measured."""

import subprocess

from benchmarks.measurement import CHECKOUT

CODE = "hepcol", "calib", "processors", "samples", "benchmarks", ":(exclude)*.md", ":(exclude)benchmarks/history.jsonl"
CHANGED = "+changes"


CHANGED_MEANWHILE = ".."


def between(before: str | None, after: str | None) -> str | None:
    """Tell the state of the code of something that took a while; of two if it has changed."""
    return after if before == after else f"{before}{CHANGED_MEANWHILE}{after}"


def revision() -> str | None:
    """Last commit that touched the code, with ``CHANGED`` if there are changes besides; None without a checkout.

    What else is committed, such as tables in a README, leaves it as it is.
    """
    if not (CHECKOUT / ".git").exists():
        return None
    try:
        commit = _git("log", "-1", "--format=%h", "--abbrev=12", "--", *CODE)
        changes = _git("status", "--porcelain", "--", *CODE)
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}{CHANGED if changes else ''}" if commit else None


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
