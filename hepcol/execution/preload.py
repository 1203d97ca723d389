"""What every local Dask worker needs: imported, and numba started, once, in the process that workers are forked from.

A worker that is spawned instead imports the same by itself: two of them on two cores need 2 s more to start, 1 s
more to end, and 150 MB more memory. Analyses are left to the workers, which read them as they are now.
"""

import os

# was meant for this process alone; workers are given the client's environment
os.environ.pop("PYTHONSAFEPATH", None)

try:
    import numba

    import hepcol.execution.chunk
    import hepcol.kernels.smearing_single  # noqa: F401  (imported for the workers)

    @numba.njit
    def _start() -> None:
        """Do nothing: the first function makes numba load its registries, which takes 0.7 s."""

    _start()
except Exception as error:
    # the process that forks passes over an ImportError and ends at any other; a worker then imports by itself, and
    # tells what is wrong
    raise ImportError(f"not preloaded: {error}") from error
