"""A look into every file before the work begins."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hepcol.errors import GivenUp, InputError
from hepcol.execution.backends import Backend
from hepcol.execution.chunk import Probe, class_name, probe, unreadable
from hepcol.execution.collector import INTERRUPTED
from hepcol.execution.scan import scan
from hepcol.fileset import Fileset
from hepcol.ledger import FileRecord
from hepcol.schemas import Columns
from hepcol.storage.addresses import addresses_of, is_served, server_of


def probe_files(
    backend: Backend, inputs: Fileset, columns: Mapping[str, Columns], topic: str, retries: int, backoff_s: float
) -> list[FileRecord]:
    """Tell what is in every file, in the order of the fileset; the workers open those that are not known."""

    def probe_all(items: list[Probe]) -> list[FileRecord]:
        told = [
            replace(
                item,
                retries=retries,
                backoff_s=backoff_s,
                addresses=addresses_of((item.file.path, *item.file.replicas)),
            )
            for item in items
        ]
        if backend.workers == 1:
            return _open(backend, told)
        # each worker would find out by itself, and those that begin later after the others
        first = _one_of_each_server(told)
        found = _open(backend, first) if first else []
        silent = {server_of(record.path): record for record in found if record.error == class_name(GivenUp())}
        others = [item for item in told if item not in first]
        dead = [item for item in others if not item.file.replicas and server_of(item.file.path) in silent]
        found += [_of_dead_server(item, silent[server_of(item.file.path)]) for item in dead]
        left = [item for item in others if item not in dead]
        return found + (_open(backend, left) if left else [])

    return scan(inputs, columns, probe_all, topic)


def _open(backend: Backend, items: list[Probe]) -> list[FileRecord]:
    """Let the workers open files."""
    sink = _Probes(items)
    backend.executor.copy(sink=sink)(items, probe, [])
    return sink.result()


def _one_of_each_server(items: list[Probe]) -> list[Probe]:
    """Choose a file of each server that has several."""
    by_server: dict[str, list[Probe]] = {}
    for item in items:
        if is_served(item.file.path):
            by_server.setdefault(server_of(item.file.path), []).append(item)
    return [those[0] for those in by_server.values() if len(those) > 1]


def _of_dead_server(item: Probe, other: FileRecord) -> FileRecord:
    """Record that a file could not be read, as another one of its server."""
    path = item.file.path
    message = f"{path}: {other.message.removeprefix(f'{other.path}: ')}"
    return FileRecord(item.dataset, path, item.file.tree or "", error=other.error, message=message)


class _Probes:
    """Takes what was found in files; see :class:`hepcol.execution.collector.Sink`."""

    def __init__(self, items: list[Probe]) -> None:
        self.stopped = ""
        self.workers = 1
        self.heard = 0  # each comes by itself
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
