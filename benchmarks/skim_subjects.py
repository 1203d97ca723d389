"""hepcol's skim, in a process of its own: prints one JSON object last."""

import json
import os
import sys
import time

from benchmarks.measurement import STARTED


def main() -> None:
    """Skim a file: output folder, tree, cut, workers (0 for this process), and the columns."""
    started = float(os.environ[STARTED])
    path, output, tree, cut, workers, *columns = sys.argv[1:]
    from hepcol.skimming.skim import skim

    ready = time.time()
    how = {"executor": "dask", "workers": int(workers)} if int(workers) else {}
    made = skim(path, output, cut, columns, tree=tree, force=True, **how)
    done = time.time()
    told = made.run.summary
    print(
        json.dumps(
            {
                "total_s": done - started,
                "start_s": ready - started,
                "loop_s": done - ready,
                "process_s": told["process_s"],
                "events": told["skim"]["events"],
                "size": told["skim"]["bytes"],
            }
        )
    )


if __name__ == "__main__":
    main()
