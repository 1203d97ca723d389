"""Uncertainties of the theory, and of the closure of the fakes, from JSON files that the analysis is given.

A file ``<SAMPLE>ThSyst.json`` holds, by region, the events of other generators or scales relative to the nominal ones;
``FNPClosureError.json`` a relative error by region. The original study's files are not public and no numbers are
shipped: without a file there is no such systematic, and a note says so.

Which keys make which systematic is in ``RULES``. From the notebooks (SPEC 6 [N]) are: DS, hardscattematching, fraghad,
FSRup, FSRdown, CKKW30, CKKW15, QSF4, QSF025, xsecUp and xsecDown; the keys of ISR and of the scales are ours, by
analogy.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hepcol.errors import InputError
from hepcol.inference.notes import Note
from hepcol.inference.templates import Ratios, one_sided_ratios, two_sided_ratios

CLOSURE_FILE = "FNPClosureError.json"
REGIONS = ("Stop4b_SRA", "Stop4b_SRB")
CLOSURE_REGIONS = ("Stop4b_SRB",)
_PREFIX = "Stop4b_"


@dataclass(frozen=True)
class Rule:
    """How a systematic is made of numbers in a file.

    Parameters
    ----------
    systematic : str
        Its name. Those of the cross sections are one for each sample, as the measurements are.
    high : str
        Key of the ratio high, or of the only one, whose distance from 1 counts.
    low : str, optional
        Key of the ratio low.
    """

    systematic: str
    high: str
    low: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys that it reads."""
        return (self.high,) if self.low is None else (self.high, self.low)


RULES: Mapping[str, tuple[Rule, ...]] = {
    "ttbar": (
        Rule("HardScattering", "hardscattematching"),
        Rule("PartonShower", "fraghad"),
        Rule("FSR", "FSRup", "FSRdown"),
        Rule("ISR", "ISRup", "ISRdown"),
    ),
    "Wt": (Rule("DRvsDS", "DS"),),
    "VV": (
        Rule("Scale", "ScaleUp", "ScaleDown"),
        Rule("CKKW", "CKKW30", "CKKW15"),
        Rule("QSF", "QSF4", "QSF025"),
    ),
    "ttZ": (Rule("xsec_ttZ", "xsecUp", "xsecDown"),),
    "Others": (Rule("xsec_Others", "xsecUp", "xsecDown"),),
}


@dataclass(frozen=True)
class Theory:
    """Systematics of the theory.

    Parameters
    ----------
    ratios : mapping
        By sample, systematic and region, the events high and low relative to the nominal ones.
    notes : tuple of Note
        What was found while reading.
    """

    ratios: Mapping[str, Mapping[str, Mapping[str, Ratios]]] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


def name_file(sample: str) -> str:
    """Name of the file of a sample."""
    return f"{sample}ThSyst.json"


def read_theory(folder: Path | str, regions: Iterable[str] = REGIONS) -> Theory:
    """Read the files that are in a folder.

    Parameters
    ----------
    folder : Path or str
        The folder.
    regions : iterable of str
        Regions that every file must have.

    Raises
    ------
    InputError
        If there is no such folder, no file in it, or a wrong one.
    """
    folder, regions = Path(folder), tuple(regions)
    if not folder.is_dir():
        raise InputError(f"theory systematics: '{folder}' is no folder")
    ratios: dict[str, dict[str, dict[str, Ratios]]] = {}
    notes: list[Note] = []
    for sample, rules in RULES.items():
        path = folder / name_file(sample)
        if not path.exists():
            continue
        content = _read_object(path)
        ratios[sample] = {rule.systematic: {} for rule in rules}
        for region in regions:
            numbers = _numbers(path, content, region, [key for rule in rules for key in rule.keys])
            for rule in rules:
                ratios[sample][rule.systematic][region], note = _apply(rule, numbers)
                notes += [found.at(sample=sample, region=region, systematic=rule.systematic) for found in note]
        notes += [note.at(sample=sample) for note in _unused(path, content, rules, regions)]
    if not ratios:
        raise InputError(f"theory systematics: '{folder}' has none of the files {', '.join(map(name_file, RULES))}")
    known = {name_file(sample) for sample in RULES}
    others = sorted(path.name for path in folder.glob(name_file("*")) if path.name not in known)
    notes += [Note("unused file", f"{name}: there is no rule for such a sample: not used", True) for name in others]
    return Theory(ratios, tuple(notes))


def read_closure(path: Path | str) -> dict[str, float]:
    """Read the relative error of the fakes' closure by region; the region may be called SRB or Stop4b_SRB.

    Raises
    ------
    InputError
        If the file is not there, or wrong.
    """
    path = Path(path)
    content = _read_object(path)
    found = {}
    for region in CLOSURE_REGIONS:
        names = [name for name in (region, region.removeprefix(_PREFIX)) if name in content]
        if len(names) != 1:
            raise InputError(
                f"{path}: needs one of the keys '{region}' and '{region.removeprefix(_PREFIX)}', "
                f"got {', '.join(content) or 'none'}"
            )
        error = _number(content[names[0]], f"{path}: '{names[0]}'")
        if not 0 <= error < 1:
            raise InputError(f"{path}: '{names[0]}' must be a relative error from 0 to 1, got {error}")
        found[region] = error
    return found


def missing_theory(theory: Theory, samples: Iterable[str], regions: Iterable[str]) -> Iterator[Note]:
    """Say which of some samples, and of some regions, have no theory systematics though there are rules for them.

    And of which there are some that are not used.
    """
    names_of_samples, regions = [*samples], [*regions]
    known = [sample for sample in names_of_samples if sample in RULES]
    lacking = [name_file(sample) for sample in known if sample not in theory.ratios]
    if lacking:
        yield Note("no theory", f"no theory systematics: {', '.join(lacking)} not given", is_warning=True)
    for sample in theory.ratios:
        if sample not in names_of_samples:
            text = f"{name_file(sample)}: there is no such sample: not used"
            yield Note("unused file", text, is_warning=True, sample=sample)
    for sample in known:
        names = ", ".join(rule.systematic for rule in RULES[sample])
        for region in regions if sample in theory.ratios else ():
            if any(region not in by_region for by_region in theory.ratios[sample].values()):
                text = f"no theory systematics ({names}): not read for this region"
                yield Note("no theory", text, is_warning=True, sample=sample, region=region)


def _apply(rule: Rule, numbers: Mapping[str, float]) -> tuple[Ratios, list[Note]]:
    """Ratios of a systematic, and what was done to those in the file."""
    if rule.low is None:
        return one_sided_ratios(numbers[rule.high]), []
    given = numbers[rule.high], numbers[rule.low]
    ratios, as_given = two_sided_ratios(*given)
    if as_given:
        return ratios, []
    text = f"{rule.high} {given[0]:g} and {rule.low} {given[1]:g} are not on both sides of 1: the larger for both"
    return ratios, [Note("one way", text)]


def _read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds an object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # also of bytes that are no text
        raise InputError(f"{path}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected an object with regions as keys, got {type(content).__name__}")
    return content


def _numbers(path: Path, content: dict[str, Any], region: str, keys: Iterable[str]) -> dict[str, float]:
    """Ratios of a region."""
    if region not in content:
        raise InputError(f"{path}: nothing for region '{region}', only for {', '.join(content) or 'none'}")
    inner = content[region]
    if not isinstance(inner, dict):
        raise InputError(f"{path}: '{region}' must be an object, got {type(inner).__name__}")
    found = {}
    for key in keys:
        if key not in inner:
            raise InputError(f"{path}: '{region}' lacks the key '{key}', it has {', '.join(inner) or 'none'}")
        found[key] = _number(inner[key], f"{path}: '{region}', '{key}'")
        if found[key] <= 0:
            raise InputError(f"{path}: '{region}', '{key}' must be a ratio above 0, got {found[key]}")
    return found


def _number(value: Any, what: str) -> float:
    if not isinstance(value, bool) and isinstance(value, (int, float)):
        with suppress(OverflowError):  # an integer beyond all floats
            if math.isfinite(value):
                return float(value)
    raise InputError(f"{what} must be a finite number, got {_shown(value)}")


def _shown(value: Any, longest: int = 40) -> str:
    text = json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}..."


def _unused(path: Path, content: dict[str, Any], rules: tuple[Rule, ...], regions: tuple[str, ...]) -> Iterator[Note]:
    """Tell of keys that no rule reads."""
    used = {key for rule in rules for key in rule.keys}
    keys = {key: None for region in regions for key in content[region] if key not in used}
    if keys:
        yield Note("unused key", f"{path.name}: not used: {', '.join(keys)}", is_warning=True)
