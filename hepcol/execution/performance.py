"""Dask's own report on the work: task stream, profiles, and what the machines were busy with."""

# as texts: where functions travel by value, names of types are not known
from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hepcol.execution.chunk import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hepcol.execution.backends import Backend

_TIMEOUT_S = 60
# the favicon of Dask's documentation: the page is to load nothing
_LINKS = re.compile(r"<link\b[^>]*\bhref=\"https?://[^>]*>")


@contextmanager
def performance_report(backend: Backend, target: Path | None) -> Iterator[list[str]]:
    """Write Dask's report on what is done meanwhile; yield a list that takes the reason why there is none.

    Not every run has one: it takes 0.35 to 0.55 s after a run of 4 to 100 chunks, and 0.5 to 0.7 s after one of 250
    chunks and about 8 s, which is more than 5 % of it (2 workers on 2 cores, distributed 2025.3.1, bokeh 3.9.2), and
    1.8 MB.

    Parameters
    ----------
    backend : Backend
        Where the work is done.
    target : Path, optional
        The file; without one nothing is done.
    """
    warnings: list[str] = []
    if target is None:
        yield warnings
        return
    client: Any = backend.executor.client
    start, count = time.time(), 0
    if find_spec("bokeh") is None:
        warnings.append("no report of Dask's: bokeh, which draws it, is not installed")
    else:
        try:
            client.run_on_scheduler(_mender())
            count = client.run_on_scheduler(_counter())
            client.get_task_stream(start=0, stop=0)  # from here on Dask keeps what it needs for the report
        except Exception as error:  # noqa: BLE001  (whatever it is: the run is worth more than its report)
            warnings.append(_without(error))
    yield warnings
    if warnings:
        return
    if client.status != "running":
        warnings.append("no report of Dask's: the scheduler was lost")
        return
    try:
        with _silence():
            page = client.sync(
                client.scheduler.performance_report,
                start=start,
                last_count=count,
                code="hepcol.run",
                mode="inline",
                callback_timeout=_TIMEOUT_S,
            )
        target.write_text(_LINKS.sub("", page))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  (likewise: all the work is done)
        with suppress(OSError):
            target.unlink(missing_ok=True)
        warnings.append(_without(error))


def _without(error: BaseException) -> str:
    return f"no report of Dask's: {type(error).__name__}: {one_line(error)}"


@contextmanager
def _silence() -> Iterator[None]:
    """Keep a traceback of the scheduler's, which may be in this process, off the terminal."""
    log = logging.getLogger("distributed.core")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


# Functions within functions travel to a scheduler by value: it need not have hepcol.


def _counter() -> Callable[..., int]:
    def count(dask_scheduler: Any) -> int:
        return int(dask_scheduler.monitor.count)

    return count


def _mender() -> Callable[[], None]:
    def mend() -> None:
        """Let bokeh find its templates by the names that they had before 3.9, which Dask of before 2026 uses."""
        from bokeh.core.templates import get_env
        from jinja2 import FileSystemLoader, TemplateNotFound

        class Renamed(FileSystemLoader):
            def get_source(self, environment: Any, template: str) -> Any:
                try:
                    return super().get_source(environment, template)
                except TemplateNotFound:
                    return super().get_source(environment, f"{template}.jinja")

        environment = get_env()
        if type(environment.loader) is FileSystemLoader:
            environment.loader = Renamed(environment.loader.searchpath)

    return mend
