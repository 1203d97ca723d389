"""Run the analysis from Python, on a local Dask of two workers."""

import hepcol

from newanalysis import NewAnalysisProcessor


def main() -> None:
    processor = NewAnalysisProcessor(scale_error=0.01)
    run = hepcol.run(processor, "zee-fcc", executor="dask", workers=2, output="out", force=True)
    for step, events in run.result["zee-fcc"].cutflow.items():
        print(f"{step:>24} {events}")


if __name__ == "__main__":  # Dask's workers import a script again
    main()
