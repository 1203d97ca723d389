"""The file ``histos.root``: a histogram of one bin for each sample, systematic and region, as HistFitter reads them.

Names are ``h<SAMPLE><Nom|SYSTEMATICHigh|SYSTEMATICLow>_<REGION>_obs_cuts`` (SPEC 6); data have a nominal one, too. The
uncertainties of luminosity and normalisation are not in it, since they are parameters of a fit and not histograms.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hist

from hepcol.errors import InputError
from hepcol.histogram_files import Name, write_root
from hepcol.inference.templates import Template
from processors.stop4b.tables import Tables

FILE = "histos.root"
DATA = "Data"
_NAME = re.compile(r"[A-Za-z0-9_]+")
_AXIS = hist.axis.Regular(1, 0.5, 1.5, name="cuts", label="cuts", underflow=False, overflow=False)


def write_histos(tables: Tables, folder: Path) -> Path:
    """Write the file into a folder, as a whole or not at all; equal tables give equal bytes.

    Raises
    ------
    InputError
        If a name is not to be had in ROOT.
    """
    histograms: dict[Name, hist.Hist] = {(name,): histogram for name, histogram in make_histos(tables).items()}
    target = folder / FILE
    with TemporaryDirectory(dir=folder, prefix=".histos.") as scratch:
        fresh = Path(scratch) / FILE  # a ROOT file holds its own name
        write_root(fresh, histograms)
        fresh.replace(target)
    return target


def make_histos(tables: Tables) -> dict[str, hist.Hist]:
    """Make the histograms, by name.

    Raises
    ------
    InputError
        If a name has other characters than letters, digits and underscores.
    """
    return {name: _histogram(template) for name, template in _templates(tables)}


def _templates(tables: Tables) -> Iterator[tuple[str, Template]]:
    for sample, templates in tables.samples.items():
        for region in tables.regions:
            yield _name(sample, "Nom", region), templates.nominal[region]
        for systematic, by_region in templates.systematics.items():
            for region, (high, low) in by_region.items():
                yield _name(sample, f"{systematic}High", region), high
                yield _name(sample, f"{systematic}Low", region), low
    if tables.data is not None and not tables.is_asimov:
        for region, template in tables.data.items():
            yield _name(DATA, "Nom", region), template


def _name(sample: str, what: str, region: str) -> str:
    for part in (sample, what, region):
        if not _NAME.fullmatch(part):
            raise InputError(f"{FILE}: names must be made of letters, digits and underscores, got '{part}'")
    return f"h{sample}{what}_{region}_obs_cuts"


def _histogram(template: Template) -> hist.Hist:
    """Return the histogram of a template, all bins in one."""
    histogram = hist.Hist(_AXIS, storage=hist.storage.Weight())
    histogram.view()["value"] = template.total
    histogram.view()["variance"] = template.variance
    return histogram
