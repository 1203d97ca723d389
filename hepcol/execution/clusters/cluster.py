"""What clusters of every kind have in common."""

import importlib.util
import re
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import field_validator

from hepcol.errors import InputError
from hepcol.execution.clusters.jobs import Jobs
from hepcol.execution.clusters.quantities import Duration
from hepcol.execution.clusters.size import Size, Workers
from hepcol.execution.clusters.upload import checked
from hepcol.execution.executors import LOST_AFTER_S
from hepcol.tablefile import Row

# of what has them, in provenance
_UNITS = {"memory": "_bytes", "walltime": "_s", "lifetime": "_s", "stagger": "_s"}
USER = re.compile("(?<=//).*@")  # and password, in an address
_LOOPBACK = ("127.", "localhost", "[::1]", "::1", "inproc")


@dataclass(frozen=True)
class Connected:
    """A cluster that is open.

    Parameters
    ----------
    client : distributed.Client
        Connection to its scheduler.
    place : str
        What errors call it.
    workers : int, optional
        How many workers it has or is going to have; without, those that are there.
    ours : bool
        Whether its workers are forked from this process's own, so that they are like it.
    jobs : Jobs, optional
        Its jobs in a batch system.
    hint : str
        Where to look if no worker comes.
    lifetime_s : float, optional
        After which its workers have all ended by themselves, whatever they are doing.
    """

    client: Any
    place: str
    workers: int | None = None
    ours: bool = False
    jobs: Jobs | None = None
    hint: str = ""
    lifetime_s: float | None = None


class Cluster(Row):
    """A cluster to work on, as its file describes it.

    Parameters
    ----------
    kind : str
        Which kind it is.
    no_worker_timeout : duration
        How long to wait for the first worker, and how long the cluster may be without any later on.
    upload : tuple of str
        Modules, packages and wheels of the user, which every worker is given.
    """

    needs: ClassVar[tuple[str, str]] = ("", "")  # a module, and the extra of hepcol that brings it
    recorded: ClassVar[tuple[str, ...]] = ("kind", "workers")  # what provenance tells: nothing that may be a secret

    kind: str
    no_worker_timeout: Duration = LOST_AFTER_S
    upload: tuple[str, ...] = ()

    @field_validator("upload")
    @classmethod
    def _can_be_sent(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        paths = [checked(path) for path in given]
        names = [Path(path).name for path in paths]
        twice = [path for path in paths if names.count(Path(path).name) > 1]
        if twice:
            raise ValueError(f"expected names that differ, got {' and '.join(twice)}")
        return tuple(paths)

    @abstractmethod
    def connect(self) -> AbstractContextManager[Connected]:
        """Open it, and close it afterwards."""

    @abstractmethod
    def preview(self) -> str:
        """Describe what would be submitted or started."""

    def check(self) -> None:
        """Refuse it where it cannot be opened.

        Raises
        ------
        InputError
            If something is not installed.
        """
        module, extra = self.needs
        if module and importlib.util.find_spec(module) is None:
            raise InputError(
                f"kind: {self.kind}: needs {module}, which is not installed: pip install 'hepcol[{extra}]'"
            )

    def warnings(self) -> list[str]:
        """Warn of what is dangerous."""
        return []

    def told(self) -> dict[str, Any]:
        """Describe it for provenance, without what may be a secret."""
        known = {name: getattr(self, name) for name in self.recorded if getattr(self, name, None) is not None}
        told = {
            f"{name}{_UNITS.get(name, '')}": value.told() if isinstance(value, Size) else value
            for name, value in known.items()
        }
        return told | ({"upload": list(self.upload)} if self.upload else {})


class SizedCluster(Cluster):
    """A cluster whose workers are started for the run.

    Parameters
    ----------
    workers : Size
        How many.
    options : mapping
        Further arguments of what Dask makes it with.
    """

    workers: Workers = Size(minimum=2, maximum=2)
    options: Mapping[str, Any] = {}

    def refuse_options(self, *names: str) -> None:
        """Refuse options that would take the place of what hepcol gives."""
        for name in self.options:
            if name in names:
                raise InputError(f"options: '{name}' is given by a key of the file, or by hepcol")


# Dask's own takes a worker away after 3 s without work, which on a batch system means to queue again
_LEAVES_AFTER_LOOKS = 60


def resize(cluster: Any, size: Size) -> None:
    """Ask for a number of workers."""
    if size.is_fixed:
        cluster.scale(size.maximum)
    else:
        cluster.adapt(minimum=size.minimum, maximum=size.maximum, wait_count=_LEAVES_AFTER_LOOKS)


def is_open_to_the_network(address: str) -> bool:
    """Whether a scheduler at an address can be reached from elsewhere, and without certificates."""
    return address.startswith("tcp://") and not address.removeprefix("tcp://").startswith(_LOOPBACK)


def open_without_tls(scheduler: str) -> str:
    """Warn of a scheduler, named in words, that is open to the network."""
    danger = "whoever can connect to it runs code as you; give 'tls' its certificates, or an interface of this machine"
    return f"{scheduler} is open to the network without TLS: {danger}"


def without_password(address: str) -> str:
    """Leave user, password and parameters out of an address, whatever else is wrong with it."""
    return USER.sub("", address.partition("?")[0])
