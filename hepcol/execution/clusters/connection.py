"""Connections to schedulers."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TELLS_AFTER_S = 20.0  # without a scheduler, or any worker


@contextmanager
def closing(client: Any) -> Iterator[Any]:
    """Close a client in the end; of a scheduler that is gone, the run says it in one line, and Dask in fifty."""
    log = logging.getLogger("distributed.client")
    level = log.level
    try:
        yield client
    finally:
        if client.status != "running":
            log.setLevel(logging.CRITICAL)
        try:
            client.close()
        finally:
            log.setLevel(level)


@contextmanager
def told_while_waiting(place: str, hint: str) -> Iterator[None]:
    """Tell what is waited for while a scheduler is started elsewhere, once that takes long."""

    def tell() -> None:
        logging.getLogger("hepcol.clusters").warning("%s: no scheduler for %.0f s: %s", place, TELLS_AFTER_S, hint)

    timer = threading.Timer(TELLS_AFTER_S, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
