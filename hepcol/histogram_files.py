"""Histograms on disk: UHI in a zip archive, and ROOT. Equal histograms give equal bytes."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import hist
import uhi.io.zip

from hepcol.errors import InputError
from hepcol.histograms import CATEGORIES
from hepcol.rootwriting import recreate

Name = tuple[str, ...]
Histograms = Mapping[Name, hist.Hist]

# Stands in every time stamp, so that the files tell histograms apart and not the moments of writing;
# when and how they were made is in provenance.json.
MAX_ROOT_DIMENSIONS = 3


class _TimelessZip(zipfile.ZipFile):
    """An archive whose members all carry the earliest time stamp there is."""

    def writestr(self, zinfo_or_arcname: Any, *args: Any, **kwargs: Any) -> None:
        """Write a member with the fixed time stamp."""
        member = _member(zinfo_or_arcname) if isinstance(zinfo_or_arcname, str) else zinfo_or_arcname
        super().writestr(member, *args, **kwargs)


def _member(name: str) -> zipfile.ZipInfo:
    """Describe a member of an archive, without the time of writing."""
    info = zipfile.ZipInfo(name)  # its default time stamp is fixed: 1980-01-01
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def write_zip(path: Path, histograms: Histograms) -> None:
    """Write histograms to a zip archive in UHI's format, as ``dataset/histogram``."""
    with _TimelessZip(path, "w") as archive:
        for name, histogram in histograms.items():
            for member, content in _members(_joined(name), histogram):
                archive.writestr(member, content)


def _members(name: str, histogram: hist.Hist) -> list[tuple[str, bytes]]:
    """Members of an archive that hold a histogram, in an order of their own: UHI's is that of a set of strings."""
    with zipfile.ZipFile(io.BytesIO(), "w") as scratch:
        uhi.io.zip.write(scratch, name, histogram)
        return [(member, scratch.read(member)) for member in sorted(scratch.namelist())]


def read_zip(path: Path) -> dict[Name, hist.Hist]:
    """Read the histograms of a zip archive.

    Raises
    ------
    InputError
        If it is not an archive of histograms.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member[: -len(".json")] for member in archive.namelist() if member.endswith(".json")]
            return {tuple(map(unquote, name.split("/"))): hist.Hist(uhi.io.zip.read(archive, name)) for name in members}
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path}: not an archive of histograms: {error}") from error


def escape(part: str) -> str:
    """Write a part of a name so that it is one part of a path, and no other: DY/2018 is DY%2F2018."""
    if not part.strip("."):  # "", "." and ".." mean other folders
        return "%2E" * len(part) or "%"
    return quote(part, safe=" !\"#$&'()*+,-.:<=>?@[]^_`{|}~")


def _joined(name: Name) -> str:
    return "/".join(map(escape, name))


def write_root(path: Path, histograms: Histograms) -> dict[Name, str]:
    """Write histograms to a ROOT file, as ``dataset/histogram/variation``.

    Returns
    -------
    dict
        Why not, for each histogram that ROOT has no class for.
    """
    refused = {}
    with recreate(path) as file:
        for name, histogram in histograms.items():
            for parts, single in _singles(histogram):
                if single.ndim > MAX_ROOT_DIMENSIONS:
                    refused[name] = f"a histogram of {single.ndim} dimensions, ROOT has up to {MAX_ROOT_DIMENSIONS}"
                    break
                file[_joined((*name, *parts))] = _as_double(single)
    return refused


def _as_double(histogram: hist.Hist) -> hist.Hist:
    """Hold counts in doubles: uproot writes no TH1 of 64-bit integers, and ROOT's usual one is a TH1D."""
    if histogram.storage_type is not hist.storage.Int64:
        return histogram
    double = hist.Hist(*histogram.axes, storage=hist.storage.Double(), name=histogram.name, label=histogram.label)
    double.view(flow=True)[...] = histogram.view(flow=True)
    return double


def _singles(histogram: hist.Hist) -> Iterator[tuple[Name, hist.Hist]]:
    """Split a histogram along its category axes, which ROOT does not have."""
    for number, axis in enumerate(histogram.axes):
        if isinstance(axis, CATEGORIES):
            for category in axis:
                selected = histogram[
                    tuple(hist.loc(category) if k == number else slice(None) for k in range(histogram.ndim))
                ]
                if not isinstance(selected, hist.Hist):
                    continue
                for parts, single in _singles(selected):
                    yield (str(category), *parts), single
            return
    yield (), histogram
