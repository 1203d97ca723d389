"""The selection of the search, read from a table: ``selection.yaml``, or one of the user's."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hepcol.errors import InputError
from hepcol.selection import Cut, Region
from hepcol.tablefile import Row, read_rows
from processors.stop4b.kinds import Kind

DEFAULT = Path(__file__).parent / "selection.yaml"
ROWS = "rows of the tree"  # the first step of cutflows

Source = Literal["notebook", "gambit", "memory", "proposal", "user"]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class _CutRow(Row):
    """A cut as the table has it."""

    column: Annotated[str, Field(min_length=1)]
    label: str = ""  # the column's name, unless given
    above: _Finite | None = None
    at_least: _Finite | None = None
    below: _Finite | None = None
    at_most: _Finite | None = None
    equal: Annotated[tuple[_Finite, ...], BeforeValidator(_listed)] = ()
    samples: tuple[Literal["prompt", "fakes", "data"], ...] = ()
    source: Source | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if all(bound is None for bound in (self.above, self.at_least, self.below, self.at_most)) and not self.equal:
            raise ValueError(
                f"cut '{self.label or self.column}' accepts everything: give above, at_least, below, at_most or equal"
            )
        return self


class _RegionRows(Row):
    source: Source = "user"
    cuts: Annotated[tuple[_CutRow, ...], Field(min_length=1)]


class _Table(Row):
    preselection: tuple[_CutRow, ...] = ()
    regions: Annotated[dict[str, _RegionRows], Field(min_length=1)]

    @field_validator("regions")
    @classmethod
    def _check_names(cls, regions: dict[str, _RegionRows]) -> dict[str, _RegionRows]:
        for name in regions:
            if not re.match(_NAME, name):  # part of the names of histograms
                raise ValueError(f"region '{name}': a name has letters, digits and underscores only")
        return regions


@dataclass(frozen=True)
class Selection:
    """The regions of the search.

    Parameters
    ----------
    regions : tuple of Region
        Each with the cuts of the preselection first.
    """

    regions: tuple[Region, ...]

    def of(self, kind: Kind) -> tuple[Region, ...]:
        """Return the regions as they are for a kind of samples; fakes made from data are cut on as the others."""
        name = Kind.FAKES if kind is Kind.DATA_DRIVEN else kind
        return tuple(region.of(name.value) for region in self.regions)

    def columns(self, kind: Kind) -> tuple[str, ...]:
        """Return the columns that the regions of a kind of samples look at, each once."""
        return tuple(dict.fromkeys(name for region in self.of(kind) for name in region.columns))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the regions."""
        return tuple(region.name for region in self.regions)


def read_selection(path: str | Path = DEFAULT) -> Selection:
    """Read the selection from a table in YAML.

    Raises
    ------
    InputError
        If it cannot be read or understood.
    """
    table = read_rows(path, _Table)
    first = tuple(_cut(row, "user") for row in table.preselection)
    selection = Selection(
        tuple(
            Region(name, (*first, *(_cut(row, rows.source) for row in rows.cuts)))
            for name, rows in table.regions.items()
        )
    )
    for region in selection.regions:
        labels = [ROWS, *(cut.label for cut in region.cuts)]
        for label in labels:
            if labels.count(label) > 1:
                raise InputError(f"{path}: region {region.name}: two steps are labelled '{label}'")
    for kind in Kind:
        for region in selection.of(kind):
            if not region.cuts:
                raise InputError(f"{path}: region {region.name} has no cut for samples of the kind {kind.value}")
    return selection


def _cut(row: _CutRow, source: str) -> Cut:
    """Make the cut of a row; its source is that of the region unless it has its own."""
    bounds = {name: getattr(row, name) for name in ("above", "at_least", "below", "at_most", "equal")}
    return Cut(row.label or row.column, row.column, **bounds, kinds=row.samples, source=row.source or source)
