"""The folder of a skim: what its index tells, as a fileset that is run next."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepcol.errors import InputError

INDEX = "skim.json"
FORMAT = "hepcol skim"
VERSION = 1
EVENTS = "events"  # folder of the files
PARTS = "parts"  # folder of what there is of chunks, of a skim that is not whole yet


def is_skim(folder: Path) -> bool:
    """Whether a folder has a skim that is whole."""
    return (folder / INDEX).is_file()


def unfinished(folder: Path) -> str:
    """Say that a folder has a skim that is not whole; nothing if it has none."""
    begun = (folder / PARTS, folder / EVENTS / "index.json", folder / ".partial")
    there = not is_skim(folder) and any(path.exists() for path in begun)
    return f"the skim there is not whole: hepcol retry {folder} adds what is missing" if there else ""


def read_index(folder: Path) -> dict[str, Any]:
    """Read the index of a skim, and see that its files are there.

    Raises
    ------
    InputError
        If it is no index, or of another version, or a file is missing or truncated.
    """
    path = folder / INDEX
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise InputError(f"{path}: not the index of a skim")
    if told.get("version") != VERSION:
        raise InputError(f"{path}: written in version {told.get('version')} of the format, this hepcol reads {VERSION}")
    for file in told["files"]:
        place = folder / file["path"]
        size = place.stat().st_size if place.is_file() else None
        if size != file["size"]:
            reason = "is missing" if size is None else f"has {size:,} bytes, should have {file['size']:,}"
            raise InputError(f"{place}: {reason}: the skim in {folder} is not whole")
    return told


def as_fileset(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the datasets of a skim as coffea describes a fileset.

    Raises
    ------
    InputError
        If the skim is not whole, or of parquet.
    """
    told = read_index(folder)
    if any(not file["path"].endswith(".root") for file in told["files"]):
        raise InputError(f"{folder}: a skim in parquet, for other tools; hepcol runs over format ttree or rntuple")
    datasets: dict[str, Mapping[str, Any]] = {
        name: {"files": {}, "metadata": dataset["metadata"]} for name, dataset in told["datasets"].items()
    }
    for file in told["files"]:
        for tree, about in file["trees"].items():
            path = str(folder / file["path"])
            datasets[about["dataset"]]["files"][path] = {"object_path": tree, "uuid": file["uuid"] or None}
    return datasets
