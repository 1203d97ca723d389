"""Running a processor over files: coffea's Runner and executors, with a ledger."""

from hepcol.execution.driver import IncompleteRun, Run, run

__all__ = ["IncompleteRun", "Run", "run"]
