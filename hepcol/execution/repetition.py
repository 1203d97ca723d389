"""Runs again: what a run lacks, or all of it, from its provenance."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hepcol import store
from hepcol.errors import InputError
from hepcol.execution.account import Run
from hepcol.execution.driver import run
from hepcol.execution.identity import options_told
from hepcol.options import rebuild_processor


def retry(folder: str | Path, **how: Any) -> Run:
    """Process what the run in a folder lacks, and add it.

    The result has the bits of a run that never failed, for processors whose sums are exact.

    Parameters
    ----------
    folder : str or Path
        Output folder of a run that is incomplete or was interrupted.
    **how
        Where and how to work, see :func:`hepcol.run`.

    Raises
    ------
    InputError
        If there is no such run, it is complete, or what it depends on has changed.
    """
    processor, fileset = _of(store.read_unfinished(folder))
    return run(processor, fileset, output=folder, resume=True, **how)


def rerun(provenance: str | Path, **how: Any) -> Run:
    """Repeat a run.

    Parameters
    ----------
    provenance : str or Path
        The ``provenance.json`` of the run.
    **how
        Where and how to work, see :func:`hepcol.run`.

    Raises
    ------
    InputError
        If that is no provenance, or its processor or files are not there.
    """
    path = Path(provenance)
    if path.name != store.PROVENANCE:
        raise InputError(f"{path}: expected the {store.PROVENANCE} of a run")
    processor, fileset = _of(store.read_provenance(path.parent))
    return run(processor, fileset, **how)


def _of(provenance: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Make the processor and the fileset of a run again."""
    if not provenance.get("fileset"):
        raise InputError(
            "provenance.json: does not tell the fileset, whose metadata JSON cannot hold; run it again with it"
        )
    fileset = json.loads(json.dumps(provenance["fileset"]))
    here, there = str(Path.cwd()), provenance["directory"]
    relative = [
        path
        for dataset in fileset.values()
        for path in dataset["files"]
        if "://" not in path and not Path(path).is_absolute()
    ]
    if relative and here != there:
        raise InputError(f"the run named its files from {there}, such as {relative[0]}: repeat it there")
    return processor_of(provenance), fileset


def processor_of(provenance: Mapping[str, Any]) -> Any:
    """Make the processor of a run again, and see that it has the options that the run had.

    Raises
    ------
    InputError
        If it is not there any more, or would have others.
    """
    before = provenance["identity"]["options"]
    # what is described by its type, too, cannot be made from that, but for sequences of texts and numbers: it may have
    # been the default
    given = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in provenance["options"].items()
        if before.get(name) == value or (_is_plain(value) and str(before.get(name)).startswith("tuple "))
    }
    made = rebuild_processor(provenance["processor"], given)
    now = options_told(made)
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise InputError(
                f"processor {provenance['processor']}: its option '{name}' was {before.get(name)} and would be "
                f"{now.get(name)}: give the processor and the files to the run again"
            )
    return made


def _is_plain(value: Any) -> bool:
    """Whether a stored option is a list of texts and numbers, and of nothing that is only described."""
    return isinstance(value, list) and not any(isinstance(one, list) or str(one).startswith("<") for one in value)
