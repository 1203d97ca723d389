"""Skim files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hepcol.errors import InputError
from hepcol.execution import Run, run
from hepcol.fileset import is_remote, resolve
from hepcol.options import first_problem
from hepcol.skimfolder import read_index
from hepcol.skimming.processor import SkimProcessor

Cut = str | Callable[[Any], Any]


@dataclass(frozen=True)
class Skim:
    """A skim that was made.

    Parameters
    ----------
    run : Run
        The account of it: cutflows, sums of weights, ledger.
    files : tuple of Path
        Its files; none of a skim that is not whole.
    """

    run: Run
    files: tuple[Path, ...]


def skim(
    files: str | Path | Sequence[str | Path] | Mapping[str, Any],
    output: str | Path,
    cut: Cut | Sequence[Cut] = (),
    keep: str | Sequence[str] = (),
    *,
    drop: str | Sequence[str] = (),
    select: Any = "",
    options: Sequence[str] = (),
    define: Mapping[str, str] | Sequence[str] = (),
    add: Any = (),
    weight: str = "",
    max_weight: float | None = None,
    format: str = "ttree",
    per: str = "file",
    **how: Any,
) -> Skim:
    """Keep the events that pass all cuts, and of these some columns, as files that :func:`hepcol.run` runs over next.

    Every event of the files is accounted for as in a run. The skim tells the sum of weights and the cutflow of all
    events, so that what is run over it is normalised to them, and where each event was, so that it is smeared alike.

    Parameters
    ----------
    files : str, Path, sequence of them, or mapping
        What to skim, see :func:`hepcol.run`.
    output : str or Path
        Folder for the skim, which ``hepcol.run`` takes as files.
    cut : str or function, or sequence of them
        Cuts: expressions on columns, see :class:`hepcol.expression.Expression`, or functions of events that return
        true or false for each.
    keep, drop : str or sequence of str
        Patterns of columns, collections or branches; by default all, or those that the analysis reads.
    select : str or processor
        An analysis whose own selection is made first.
    options : sequence of str
        Its options, as ``name=value``.
    define : mapping of str to str
        Columns that are made, by name, as expressions.
    add : str or function, or sequence of them
        What adds columns: functions of events that return arrays by name, or names of such with options, as
        ``egamma model=es2022_R22_PRE``.
    weight : str
        Expression of an event's weight.
    max_weight : float, optional
        Bound on the magnitude of weights.
    format : {"ttree", "rntuple", "parquet"}
        What is written; hepcol runs over the first two.
    per : str
        What a file is made of: ``chunk``, ``file``, or a dataset up to a size such as ``500MB``.
    **how
        Where and how to work, see :func:`hepcol.run`.

    Returns
    -------
    Skim
        Its files and the account of it.

    Raises
    ------
    IncompleteRun
        If not every event was processed; ``hepcol.execution.repetition.retry`` adds what is missing.
    InputError
        If something is not accepted.
    """
    given = {"max_weight": max_weight} if max_weight is not None else {}
    definitions = [f"{name}={text}" for name, text in define.items()] if isinstance(define, Mapping) else define
    try:
        processor = SkimProcessor(
            cuts=_tuple(cut),
            select=select,
            options=_tuple(options),
            keep=_tuple(keep),
            drop=_tuple(drop),
            define=tuple(definitions),
            add=_tuple(add),
            weight=weight,
            format=format,  # type: ignore[arg-type]  # pydantic reads it
            per=per,
            **given,
        )
    except ValidationError as error:
        raise InputError(first_problem(error)) from error
    _check_output(files, output)
    done = run(processor, files, output=output, **how)
    return Skim(done, skim_files(output) if done.closure.complete else ())


def _check_output(files: Any, output: str | Path) -> None:
    """Refuse an output folder that has the files in it: it would take their place."""
    folder = Path(output).resolve()
    for dataset in resolve(files).values():
        for file in dataset.files:
            if not is_remote(file.path) and folder in Path(file.path).resolve().parents:
                raise InputError(
                    f"output folder {output} has {file.path} in it, which is to be skimmed: choose another"
                )


def skim_files(folder: str | Path) -> tuple[Path, ...]:
    """Return the files of a skim.

    Raises
    ------
    InputError
        If there is none that is whole.
    """
    return tuple(Path(folder) / file["path"] for file in read_index(Path(folder))["files"])


def _tuple(given: Any) -> tuple[Any, ...]:
    """Return one thing or many as many."""
    return (given,) if isinstance(given, str) or not isinstance(given, Sequence) else tuple(given)
