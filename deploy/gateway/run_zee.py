"""Z -> ee on workers of a dask-gateway: a stock coffea Runner with a processor of hepcol.

In a notebook of the hub of deploy/helm/jupyterhub.yaml the gateway is found by itself; elsewhere DASK_GATEWAY__ADDRESS
and DASK_GATEWAY__AUTH__TYPE name it. Here and on the workers is the same image, so files of it have the same path.
"""

import argparse

from coffea.nanoevents import FCCSchema
from coffea.processor import DaskExecutor, Runner
from dask_gateway import Gateway

from processors.zee import ZeeProcessor
from samples.catalogue import ZEE_FCC

FIRST_WORKER_S = 300


def main() -> None:
    """Make a cluster, run, and print the cutflow."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=20, help="at most so many; at least one")
    parser.add_argument("files", nargs="*", default=[str(ZEE_FCC.path)])
    arguments = parser.parse_args()
    # closing the cluster ends its workers, also after an error
    with Gateway() as gateway, gateway.new_cluster(shutdown_on_close=True) as cluster:
        cluster.adapt(minimum=1, maximum=arguments.workers)
        with cluster.get_client() as client:
            client.wait_for_workers(1, timeout=FIRST_WORKER_S)
            runner = Runner(executor=DaskExecutor(client=client, status=False), schema=FCCSchema, chunksize=1000)
            result = runner({"zee-fcc": arguments.files}, ZeeProcessor(variations=20), treename="events")
    print(result["zee-fcc"].cutflow)  # noqa: T201  (a script)


if __name__ == "__main__":
    main()
