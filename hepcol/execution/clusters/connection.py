"""Connections to schedulers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
