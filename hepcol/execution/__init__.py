"""Running a processor over files: coffea's Runner and executors, with a ledger."""

from hepcol.execution.account import IncompleteRun, Run
from hepcol.execution.driver import run
from hepcol.execution.union import merge

__all__ = ["IncompleteRun", "Run", "merge", "run"]
