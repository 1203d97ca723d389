"""Whether files fit together: no events twice, no campaign or period missing; and their luminosity."""

from collections.abc import Mapping, Sequence

from hepcol.errors import InputError
from processors.stop4b.campaigns import CAMPAIGNS, LUMINOSITIES, PERIODS
from processors.stop4b.components import DATA, WHOLES
from processors.stop4b.files import FLAT, OBJECTS, StoredFile
from processors.stop4b.kinds import Kind


def luminosities(files: Sequence[StoredFile]) -> dict[str, float]:
    """Luminosity of the data that there are, by the campaign that stands for them; of all without data."""
    names = {file.component.name for file in files if file.component.kind is Kind.DATA}
    if not names or DATA in names:
        return dict(LUMINOSITIES)
    return {
        campaign: float(sum(PERIODS[period] for period in periods if period in names))
        for campaign, periods in CAMPAIGNS.items()
    }


def check_parts(files: Sequence[StoredFile]) -> None:
    """Refuse a file beside files with parts of its events, and fakes of other periods than those of the data."""
    paths = {file.component.name: file.path for file in files}
    for whole, parts in WHOLES.items():
        both = [part for part in parts if part in paths]
        if whole in paths and both:
            raise InputError(f"{paths[whole]}: has the events of {paths[both[0]]}, too, which would count twice")
    periods = {name for name in paths if name in PERIODS}
    faked = {period for period in PERIODS if f"Fake_{period}" in paths}
    if periods and faked and periods != faked:
        raise InputError(
            f"there are data of {', '.join(sorted(periods))}, but fakes made from data of {', '.join(sorted(faked))}: "
            "they have to be the same"
        )


def check_campaigns(files: Sequence[StoredFile], luminosity: Mapping[str, float]) -> None:
    """Refuse a sample that lacks a campaign of which there are data: its yield would be too low."""
    if not any(file.component.kind is Kind.DATA for file in files):
        return
    simulated = [file for file in files if file.component.kind.is_simulated]
    for component in dict.fromkeys(file.component for file in simulated):
        there = {file.campaign for file in simulated if file.component == component}
        if "" in there:  # the rows tell
            continue
        for campaign, value in luminosity.items():
            if value and campaign not in there:
                raise InputError(
                    f"sample {component.name} has no file in {campaign}, but there are data of "
                    f"{' and '.join(CAMPAIGNS[campaign])}: add {campaign}/{component.name}.root, or leave out the data"
                )


def check_forms(files: Sequence[StoredFile]) -> None:
    """Refuse events that would count twice."""
    name = files[0].component.name
    if len({file.is_objects for file in files}) > 1:
        raise InputError(
            f"{files[0].path}: {name} is there both as {FLAT} trees and as {OBJECTS}, whose events are the same; "
            "choose one"
        )
    seen: dict[str, str] = {}
    for file in files:
        if file.campaign in seen:
            raise InputError(f"{file.path}: {name} of {file.campaign or 'no campaign'} is {seen[file.campaign]}, too")
        seen[file.campaign] = file.path
