"""coffea's Runner with hepcol's work on a chunk."""

from typing import Any

from coffea.processor import Runner

from hepcol.execution.chunk import process_chunk


class LedgerRunner(Runner):
    """A coffea Runner whose chunks always return a record, and never an exception.

    Only the work on a chunk differs: files stay open between chunks, the schema follows the file, and an error
    is recorded instead of raised. coffea's own handling (``skipbadfiles``) drops a chunk after its first error
    on Dask without telling the caller.
    """

    @staticmethod
    def _work_function(*arguments: Any, processor_instance: Any, **_: Any) -> Any:
        """Do the work on one chunk: the last argument, behind those that coffea binds and that mean nothing here."""
        item = arguments[-1]
        # under Dask the item is a pair with the processor, which was sent to each worker once
        if processor_instance == "heavy":
            item, processor_instance = item
        return process_chunk(item, processor_instance)
