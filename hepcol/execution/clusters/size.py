"""The number of workers of a cluster."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from hepcol.tablefile import Row

_MOST = 100_000  # more is a mistake


class Size(Row):
    """How many workers a cluster has: always as many, or as many as there is work for, between two bounds.

    Parameters
    ----------
    minimum : int
        Fewest workers, at least one: a cluster that went down to none would have to wait in the queue again.
    maximum : int
        Most workers.
    """

    minimum: int = Field(default=1, ge=1, strict=True)
    maximum: int = Field(ge=1, le=_MOST, strict=True)

    @model_validator(mode="after")
    def _check(self) -> "Size":
        if self.minimum > self.maximum:
            raise ValueError(f"expected a minimum of at most the maximum, got {self.minimum} and {self.maximum}")
        return self

    @property
    def is_fixed(self) -> bool:
        """Whether it is always the same."""
        return self.minimum == self.maximum

    def told(self) -> Any:
        """Write it as it is given."""
        return self.maximum if self.is_fixed else self.model_dump()


def _sized(given: Any) -> Any:
    """Read a number of workers as a size."""
    if isinstance(given, Size):
        return given
    if isinstance(given, dict):
        return given
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise ValueError(f"expected at least 1 worker, or minimum and maximum, got {given!r}")
    return {"minimum": given, "maximum": given}


Workers = Annotated[Size, BeforeValidator(_sized)]
"""A size, from ``4`` or ``{minimum: 1, maximum: 100}``."""
