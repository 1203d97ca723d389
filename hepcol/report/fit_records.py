"""Fits on a page: what ``hepcol fit`` has written, in tables."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hepcol import store
from hepcol.inference.limit_record import SIGMAS, Limit
from hepcol.inference.record import Status
from hepcol.report.blocks import Block, Listing, Paragraph, Pictures, Table, folded
from hepcol.report.limit_table import expected_text, observed_text
from hepcol.report.markup import Cell, TextTable
from hepcol.report.numbers import measured, nominal_text, plain, with_unit
from hepcol.report.pictures import find_pictures, read_pictures
from hepcol.report.record import RunRecord

_MOST = 10  # variations
_ORDER = ("fit", "result", "result_2d", "quality", "all_fits")  # of pictures; others come last


def _place(path: Path) -> int:
    """Place a picture of fits: the whole sheets last but those that we do not know."""
    stem = re.sub(r"(?<=all_fits)_\d+$", "", path.stem)
    return _ORDER.index(stem) if stem in _ORDER else len(_ORDER)


def show_fits(run: RunRecord, model: str, told: Mapping[str, Any]) -> Iterator[Block]:
    """Show the fits of all variations with a model, as the summary tells them."""
    low, high = told["range"]
    yield Paragraph(f"Model '{model}': {told['title']}; {told['observable']} from {low:g} to {high:g}.")
    if changes := told.get("changes"):
        parts = (f"{name} = {to['start']:g}" if to.get("fixed") else f"{name} free" for name, to in changes.items())
        yield Paragraph(f"Changed: {', '.join(parts)}.", "warning")
    for dataset, part in told["datasets"].items():
        yield Paragraph(f"{dataset}: {_result(told, part)}", "" if part["usable"] == part["fits"] else "bad")
        table = _variations_table(told, dataset, part)
        yield from folded(table.title, [Table(table)], len(table.rows) > _MOST)
        folder = str(store.fit_plots(run.folder, dataset, model).relative_to(run.folder))
        paths = sorted(find_pictures(run.folder, [folder]), key=_place)
        yield Pictures(list(read_pictures(paths, [f"{dataset}: {path.stem}" for path in paths])))


def _result(told: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """Say what the fits that may be used found together."""
    quantity, unit, count = plain(told["quantity"]), told["unit"], part["usable"]
    usable = f"{count:,} of {part['fits']:,} fits may be used"
    expected = ""
    if part["expected"] is not None:
        injected = with_unit(f"{part['expected']:.5g}", unit)
        expected = f" {plain(part['expected_label'])}: {injected}."
    if part.get("nominal"):
        return f"{quantity} {with_unit(nominal_text(part['nominal']), unit)}; {usable}.{expected}"
    if part["mean"] is None:
        return f"{usable}: no mean of {quantity}.{expected}"
    if part["standard_deviation"] is None:
        error = next(iter(part["variations"].values()))["error"]
        return f"{quantity} {with_unit(measured(part['mean'], error), unit)}.{expected}"
    value = with_unit(measured(part["mean"], part["standard_deviation"] / count**0.5), unit)
    return f"{quantity} {value}, mean of {count:,} fits of the same events; {usable}.{expected}"


def _variations_table(told: Mapping[str, Any], dataset: str, part: Mapping[str, Any]) -> TextTable:
    """Tabulate the fits, those first that may not be used."""
    rows = [
        (
            name,
            measured(found["value"], found["error"]),
            "-" if found["p_value"] is None else f"{found['p_value']:.3f}",
            found["status"],
        )
        for name, found in part["variations"].items()
    ]
    rows.sort(key=lambda row: row[-1] == Status.CONVERGED.value)
    value = f"{told['parameter']} [{told['unit']}]" if told["unit"] else told["parameter"]
    title = f"{dataset}: fits of {len(rows):,} variation{'s' if len(rows) != 1 else ''}"
    return TextTable(title, ("variation", value, "p-value", "status"), rows)


def show_yield_fits(run: RunRecord) -> Iterator[Block]:
    """Show the fits of yields: limits, events and pictures; what may not be used comes first."""
    path = run.folder / store.fit_name(store.HISTFACTORY)
    try:
        told = json.loads(path.read_text())
    except (OSError, json.JSONDecodeError):
        return
    data = told["data"]
    yield Listing(list(_complaints(told)), "bad")
    if told["signals"]:
        yield Table(_signals_table(told["signals"], data))
    yield Table(_events_table(told))
    yield Table(_regions_table(told["background"], data))
    yield Listing([f"remark: {text}" for text in _remarks(told)], "note")
    yield Listing([f"warning: {text}" for text in told["warnings"]], "warning")
    paths = find_pictures(run.folder, [str(store.model_plots(run.folder, store.HISTFACTORY).relative_to(run.folder))])
    yield Pictures(list(read_pictures(paths, [one.stem for one in paths])))


def _parts(told: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All results, by what they are."""
    yield "fit of the backgrounds", told["background"]
    for name, signal in told["signals"].items():
        yield f"fit of {name}", signal["fit"]
        yield f"limit on {name}", signal["limit"]
        yield f"p0 of {name}", signal["discovery"]
        if signal["toys"] is not None:
            yield f"limit on {name} by toys", signal["toys"]
    for region, limit in told["events"].items():
        yield f"limit on events in {region}", limit


def _complaints(told: Mapping[str, Any]) -> Iterator[str]:
    for what, part in _parts(told):
        if not part["usable"]:
            yield f"not usable: {what}: {part['message'] or part['status']}"


def _remarks(told: Mapping[str, Any]) -> Iterator[str]:
    for what, part in _parts(told):
        if part.get("remark"):
            yield f"{what}: {part['remark']}"


def _limit(told: Mapping[str, Any]) -> Limit:
    """Make the record of a limit again, without its curves."""
    expected = tuple(told["expected"]) or (None,) * len(SIGMAS)
    return Limit(Status(told["status"]), "", told["method"], told["observed"], expected, {}, tuple(told["errors"]))


def _signals_table(signals: Mapping[str, Any], data: str) -> TextTable:
    """Tabulate limits and p-values of signals."""
    rows: list[tuple[Cell, ...]] = []
    for name, signal in signals.items():
        found = signal["discovery"]
        p_value, significance = found["p_value"], found["significance"]
        rows.append(
            (
                name,
                *_limit_cells(signal["limit"]),
                "-" if p_value is None else f"{p_value:.2g}",
                "-" if significance is None else f"{significance:.1f}",
            )
        )
        if signal["toys"] is not None:
            rows.append((f"{name}, {signal['toys'].get('toys', 0):,} toys", *_limit_cells(signal["toys"]), "", ""))
    header = ("signal", f"limit on mu_SIG, {data}", "expected", "p0", "Z")
    return TextTable("limits on the strength of signals", header, rows)


def _limit_cells(told: Mapping[str, Any]) -> tuple[str, str]:
    limit = _limit(told)
    return observed_text(limit), expected_text(limit)


def _events_table(told: Mapping[str, Any]) -> TextTable:
    """Tabulate limits on the events of any signal."""
    rows = []
    for region, limit in told["events"].items():
        rows.append((region, *_limit_cells(limit)))
        if region in told["events_toys"]:
            rows.append((f"{region}, toys", *_limit_cells(told["events_toys"][region])))
    return TextTable("limits on events of any signal", ("region", f"S95, {told['data']}", "expected"), rows)


def _regions_table(background: Mapping[str, Any], data: str) -> TextTable:
    """Tabulate the expected events of regions before and after the fit of the backgrounds."""
    rows = [
        (
            region,
            measured(before["total"], before["error"]),
            measured(after["total"], after["error"]) if after else "-",
        )
        for region, before in background["before"].items()
        for after in [background["after"].get(region)]
    ]
    return TextTable(f"backgrounds, fitted to the {data}", ("region", "expected", "after the fit"), rows)
