"""The same processor under coffea alone: a stock Runner and its DaskExecutor."""

from coffea.nanoevents import FCCSchema
from coffea.processor import DaskExecutor, Runner
from distributed import Client, LocalCluster

from processors.zee import ZeeProcessor
from samples.catalogue import ZEE_FCC


def main() -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        runner = Runner(executor=DaskExecutor(client=client, status=False), schema=FCCSchema, chunksize=1000)
        result = runner({"zee-fcc": [str(ZEE_FCC.path)]}, ZeeProcessor(variations=20), treename="events")
    print(result["zee-fcc"].cutflow)
    m_ee = result["zee-fcc"].histograms["m_ee"].to_hist()  # a hist.Hist with the axes variation and m_ee
    print(f"smear_00: {m_ee['smear_00', :].sum()} events from 84 to 98 GeV")


if __name__ == "__main__":
    main()
