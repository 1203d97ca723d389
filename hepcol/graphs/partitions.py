"""Work on partitions: sequences of graphs or of what is made of them, there or delayed by dask."""

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard


def is_partitioned(given: Any) -> TypeGuard[Sequence[Any]]:
    """Whether it is a sequence of partitions."""
    return isinstance(given, (list, tuple))


def _is_delayed(given: Any) -> bool:
    return type(given).__module__.partition(".")[0] == "dask"


def called(work: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """Call a function, or delay the call where an argument, or something in a list of them, is delayed."""
    inside = [one for part in given for one in (part if is_partitioned(part) else (part,))]
    if not any(_is_delayed(one) for one in inside):
        return work(*given, **options)
    import dask

    return dask.delayed(work, pure=False)(*given, **options)


def mapped(work: Callable[..., Any], parts: Sequence[Any], *given: Any, **options: Any) -> list[Any]:
    """Call a function with each partition, or delay the calls."""
    return [called(work, part, *given, **options) for part in parts]
