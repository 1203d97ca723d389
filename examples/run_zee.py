"""Z -> ee on a local Dask cluster of two workers, from Python."""

import hepcol
from processors.zee import ZeeProcessor


def main() -> None:
    processor = ZeeProcessor(variations=20, electrons="reconstructed", sigma=2.0)
    run = hepcol.run(processor, "zee-fcc", executor="dask", workers=2)
    zee = run.result["zee-fcc"]
    for step, events in zee.cutflow.items():
        print(f"{step:>24} {events}")
    m_ee = zee.histograms["m_ee"].to_hist()  # a hist.Hist with the axes variation and m_ee
    print(f"smear_00: {m_ee['smear_00', :].sum()} events from 84 to 98 GeV")


if __name__ == "__main__":  # Dask starts its workers by importing this file again
    main()
