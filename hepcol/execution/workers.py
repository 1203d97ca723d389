"""What workers have, beside what the client has."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cloudpickle

from hepcol.errors import InputError
from hepcol.execution.code import module_digests, short
from hepcol.execution.environment import NEEDED, PACKAGES, environment
from hepcol.execution.look import look, look_at
from hepcol.report.environments import Group, print_environments

PROCESSOR = "processor's code"
_FEW = 3  # that are named one by one


@dataclass(frozen=True)
class Workers:
    """What the client has, and what workers have.

    Parameters
    ----------
    here : mapping
        What the client has, by name.
    groups : tuple of Group
        Workers that have the same.
    """

    here: Mapping[str, str]
    groups: tuple[Group, ...]

    def unlike(self, needed: Sequence[str]) -> list[Group]:
        """Return the groups that have another of what is needed."""
        return [group for group in self.groups if any(self._differs(group, name) for name in needed)]

    def difference(self, group: Group, needed: Sequence[str]) -> str:
        """Say in what a group differs."""
        return ", ".join(
            f"{name} {group.has.get(name, 'not there')} instead of {self.here.get(name)}"
            for name in needed
            if self._differs(group, name)
        )

    def _differs(self, group: Group, name: str) -> bool:
        return group.has.get(name) != self.here.get(name)


def ask_workers(client: Any) -> Workers:
    """Ask workers for their versions, and whether they have hepcol's code."""
    return Workers(environment(), _grouped(_answers(client, look, list(PACKAGES))))


def ask_for_code(client: Any, kind: Any) -> Workers:
    """Ask workers for the modules of a processor that they would import; others travel with it."""
    names = imported_there(kind)
    if not names:
        return Workers({}, ())
    here = look_at(names)
    answers = _answers(client, look_at, names)
    told = {worker: {PROCESSOR: _code_told(here, there)} for worker, there in answers.items()}
    return Workers({PROCESSOR: _code_told(here, here)}, _grouped(told))


def imported_there(kind: Any) -> list[str]:
    """Names of the modules of a processor that do not travel by value."""
    by_value = cloudpickle.list_registry_pickle_by_value()
    return [
        name
        for name in sorted(module_digests(kind))
        if not any(name == other or name.startswith(f"{other}.") for other in by_value)
    ]


def _code_told(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Describe the code that a worker has: by a hash, or by what is missing or other."""
    for what, names in (
        ("lacks", [name for name in here if here[name] and not there.get(name)]),
        ("has other", [name for name in here if here[name] != there.get(name)]),
    ):
        if names:
            more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
            return f"{what} {', '.join(names[:_FEW])}{more}"
    return short("".join(here.values()))


def refuse(place: str, found: Workers, needed: Sequence[str] = NEEDED) -> None:
    """Refuse workers that have other versions or code than the client; a table shows all.

    Others that join later are refused with their work.

    Raises
    ------
    InputError
        If there are such.
    """
    others = found.unlike(needed)
    if not others:
        return
    print_environments(found.here, found.groups, needed)
    group = others[0]
    number = sum(len(one.workers) for one in others)
    total = sum(len(one.workers) for one in found.groups)
    counted = f" ({number} of {total} workers are unlike the client)" if total > 1 else ""
    if PROCESSOR in found.here:
        told, cure = f"{group.has[PROCESSOR]} of the processor's code", "list it under 'upload', or install it there"
    else:
        told, cure = f"has {found.difference(group, needed)}", "install what the client has there"
    raise InputError(f"{place}: worker {group.workers[0]} {told}{counted}; {cure}")


def _answers(client: Any, function: Callable[..., dict[str, str]], names: list[str]) -> dict[str, dict[str, str]]:
    """Ask all workers; one that dies meanwhile does not answer."""
    source = inspect.getsource(function)
    # as text, for a worker that has no hepcol to find a function in, or a Python that reads no code of this one
    question = f"(lambda space: (exec({source!r}, space), space[{function.__name__!r}]({names!r}))[1])({{}})"
    answers = {}
    for worker, answer in client.run(eval, question, on_error="return").items():
        if isinstance(answer, BaseException):
            if not isinstance(answer, OSError):
                raise answer
            continue  # it died a moment ago; one that comes is looked at with its work
        answers[worker] = answer
    return answers


def _grouped(answers: Mapping[str, Mapping[str, str]]) -> tuple[Group, ...]:
    """Put workers together that have the same, the most first."""
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for worker in sorted(answers):
        groups.setdefault(tuple(sorted(answers[worker].items())), []).append(worker)
    return tuple(
        Group(tuple(workers), dict(has)) for has, workers in sorted(groups.items(), key=lambda one: -len(one[1]))
    )
