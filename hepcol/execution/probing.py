"""A look into every file before the work begins."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hepcol.errors import InputError
from hepcol.execution.backends import Backend
from hepcol.execution.chunk import Probe, probe, unreadable
from hepcol.execution.collector import INTERRUPTED
from hepcol.execution.scan import scan
from hepcol.fileset import Fileset
from hepcol.ledger import FileRecord
from hepcol.schemas import Columns
from hepcol.storage.addresses import addresses_of


def probe_files(
    backend: Backend, inputs: Fileset, columns: Mapping[str, Columns], topic: str, retries: int, backoff_s: float
) -> list[FileRecord]:
    """Tell what is in every file, in the order of the fileset; the workers open those that are not known."""

    def probe_all(items: list[Probe]) -> list[FileRecord]:
        sink = _Probes(items)
        told = [
            replace(
                item,
                retries=retries,
                backoff_s=backoff_s,
                addresses=addresses_of((item.file.path, *item.file.replicas)),
            )
            for item in items
        ]
        backend.executor.copy(sink=sink)(told, probe, [])
        return sink.result()

    return scan(inputs, columns, probe_all, topic)


class _Probes:
    """Takes what was found in files; see :class:`hepcol.execution.collector.Sink`."""

    def __init__(self, items: list[Probe]) -> None:
        self.stopped = ""
        self.workers = 1
        self._items = items
        self._found: dict[tuple[str, str], FileRecord] = {}

    def take(self, output: list[FileRecord]) -> None:
        for record in output:
            self._found[record.dataset, record.path] = record

    def fail(self, item: Probe, error: BaseException, attempts: int = 1) -> None:  # noqa: ARG002
        self.take([unreadable(item, error)])

    def stop(self, reason: str) -> None:
        self.stopped = self.stopped or reason

    def keep_up(self, *fetches: Callable[[], None]) -> None:
        """There is nothing to save or to show."""

    def result(self) -> list[FileRecord]:
        if self.stopped == INTERRUPTED:
            raise KeyboardInterrupt
        if self.stopped:
            raise InputError(f"{len(self._found)} of {len(self._items)} files were opened: {self.stopped}")
        return list(self._found.values())
