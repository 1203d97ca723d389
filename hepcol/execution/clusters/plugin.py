"""What unpacks modules of the user on a worker."""

import hashlib
import importlib
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

from hepcol.execution.clusters.upload import packed


class Upload(WorkerPlugin):
    """Puts modules where a worker imports from, also on workers that come later or start again.

    They are unpacked, as packages read files that are beside their modules.

    Parameters
    ----------
    paths : sequence of str
        Modules, folders of packages, wheels.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.content = packed(paths)
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            self.modules = sorted({name.partition("/")[0].removesuffix(".py") for name in archive.namelist()})
        self.name = f"hepcol-upload-{hashlib.sha256(self.content).hexdigest()[:16]}"

    def setup(self, worker: Any) -> None:
        """Unpack the modules on a worker; what it has loaded of others by these names is loaded anew."""
        folder = Path(worker.local_directory) / self.name
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            archive.extractall(folder)
        # to the front, also if it is there from before another edit
        sys.path[:] = [str(folder), *(place for place in sys.path if place != str(folder))]
        importlib.invalidate_caches()
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in self.modules and not _is_in(module, folder):
                del sys.modules[name]


def _is_in(module: Any, folder: Path) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(f"{folder}/")
