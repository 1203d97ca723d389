"""What a processor puts together of the files of all chunks, when a run is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hepcol.chunkfiles import ChunkFile


@dataclass(frozen=True)
class Gathered:
    """What was put together: what the method ``gather`` of a processor returns.

    Parameters
    ----------
    names : tuple of str
        Files that it has written, by their paths below the folder that it was given.
    files : tuple of ChunkFile
        Files of chunks that stay; the others are in what was put together.
    told : mapping of str to Any
        What the summary tells of it, by what it is.
    """

    names: tuple[str, ...]
    files: tuple[ChunkFile, ...]
    told: Mapping[str, Any]
