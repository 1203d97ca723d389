"""Files with the events of another, repeated until there are enough: made once, in the cache folder."""

from pathlib import Path

from benchmarks.measurement import BenchmarkError
from hepcol.events import open_file
from hepcol.kernels.cache import cache_root
from samples.replicate import replicate


def repeat_events(source: Path, tree: str, events: int) -> tuple[int, Path]:
    """Repeat the events of a file until there are as many as wanted.

    Returns
    -------
    events : int
        How many there are: a multiple of the file's.
    path : Path
        The file.

    Raises
    ------
    BenchmarkError
        If there is no such tree, or no event.
    """
    with open_file(source) as directory:
        if tree not in directory:
            raise BenchmarkError(f"{source}: no tree '{tree}'")
        found, identity = directory[tree].num_entries, directory.file.uuid
    if not found:
        raise BenchmarkError(f"{source}: no events")
    times = max(1, round(events / found))
    folder = cache_root() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    repeated = folder / f"{identity}-x{times}.root"
    if not repeated.exists():
        replicate(source, repeated, times, tree=tree)
    return found * times, repeated
