# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The Z → ee demonstrator
#
# From a file of ATLAS PHYSLITE to calibrated electrons and the Z peak, with **every** systematic variation of the electron
# calibration in one pass over the events, on a Dask cluster while you watch. Then the peak is used for what it is there
# for: to calibrate the energy scale in situ.
#
# You know RDataFrame? Then read `events` as the data frame, an array as a column, and a function of arrays as `Define`.
# What is `Vary` there is free here: variations share everything that they do not change.
#
# The events are **generated** (Pythia 8 and a parametrised detector, `hepcol sample make zee-atlas`), and the calibration
# area is hepcol's synthetic one, **which is not physics**. With ATLAS's own area, which `HEPCOL_CALIB_AREA` names, and
# files of its own, nothing below changes but the scale factors of efficiencies.

# %%
import os
import shutil
import tempfile
from pathlib import Path

import awkward as ak
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, Markdown

import hepcol
from calib.egamma import EgammaCalibration
from processors.zee_atlas import ZeeAtlasProcessor

area = os.environ.get("HEPCOL_CALIB_AREA", "synthetic")
files = ["zee-atlas", "zee-atlas-data"]  # shipped with hepcol; paths, URLs and patterns do as well
folder = Path(tempfile.mkdtemp(prefix="zee-demonstrator-"))  # for results

# %% [markdown]
# ## Look at the file
#
# `hepcol.open_events` finds out the format and gives NanoEvents. Nothing is read until it is looked at.

# %%
events = hepcol.open_events("zee-atlas")
print(len(events), "events;", ", ".join(events.fields))

# %%
electrons = events.Electrons
for event in range(3):
    for electron in electrons[event]:
        print(
            f"event {events.EventInfo.eventNumber[event]}: "
            f"pt = {electron.pt / 1000:5.1f} GeV, eta = {electron.eta:+.2f}, charge = {electron.charge:+.0f}, "
            f"medium: {bool(electron.DFCommonElectronsLHMedium)}"
        )

# %% [markdown]
# ## Calibrate
#
# `calib.egamma` is a port of ATLAS's `EgammaCalibrationAndSmearingTool` to whole columns. It follows the links from electrons
# to their clusters by itself. Energies are in MeV here, as in ATLAS's files.
#
# In RDataFrame this would be a C++ class called electron by electron, and once for each systematic.

# %%
tool = EgammaCalibration("es2022_R22_PRE", "FULL_v1", simulation="full", area=area)
print(len(tool.systematics), "variations, such as", ", ".join(tool.systematics[:3]))

# %%
nominal = tool.calibrate(electrons, events)
up = tool.calibrate(electrons, events, systematic="EG_SCALE_ZEESYST__1up")
first = ak.flatten(ak.zip({"stored": electrons.pt, "nominal": nominal, "ZEESYST up": up}))[:4]
for electron in first.to_list():
    print("   ".join(f"{name} {value / 1000:7.3f} GeV" for name, value in electron.items()))

# %% [markdown]
# ## Select, by hand
#
# Medium electrons above 27 GeV outside the crack, two of opposite charge. `Filter`s of a data frame are masks.

# %%
cluster = events.egammaClusters[ak.firsts(electrons.caloClusterLinks.m_persIndex, axis=2)]
abs_eta = abs(cluster.ETA2CALOFRAME)
pt = nominal / 1000
good = (
    (electrons.DFCommonElectronsLHMedium == 1) & (pt > 27) & (abs_eta < 2.47) & ~((abs_eta > 1.37) & (abs_eta < 1.52))
)
selected = ak.zip({"pt": pt, "eta": electrons.eta, "phi": electrons.phi, "charge": electrons.charge})[good]
pairs = selected[ak.num(selected) == 2]
pairs = pairs[pairs.charge[:, 0] * pairs.charge[:, 1] < 0]
one, two = pairs[:, 0], pairs[:, 1]
m_ee = np.sqrt(2 * one.pt * two.pt * (np.cosh(one.eta - two.eta) - np.cos(one.phi - two.phi)))
print(
    len(m_ee),
    "pairs; mean of m_ee from 80 to 100 GeV:",
    round(float(ak.mean(m_ee[(m_ee > 80) & (m_ee < 100)])), 2),
    "GeV",
)

# %% [markdown]
# ## Run it all
#
# The analysis `zee_atlas` does the same with isolation, cleaning and trigger, for **all** variations: each calibrates, selects
# and fills, in compiled kernels. A local Dask cluster with two workers does the work here; on a batch farm the line is
# `scheduler="tcp://..."`. `on_update` draws what there is so far.
#
# The result is the same to the bit for any number of workers and any size of chunks.

# %%
from hepcol.report.live import Live

processor = ZeeAtlasProcessor(in_situ=True, scale_factors="zee-atlas", area=area)
run = hepcol.run(
    processor,
    files,
    dataset="zee",
    executor="dask",
    workers=2,
    chunksize=4000,
    output=folder / "run",
    force=True,
    on_update=Live("m_ee", dataset="zee-simulation"),
)

# %%
for name, dataset in run.result.items():
    print(name)
    for step, passed in dataset.cutflow.items():
        print(f"  {step:32} {passed:6,}")

# %% [markdown]
# ## The Z peak with its systematics
#
# Every histogram has an axis `variation`; the band is all of them in quadrature.

# %%
from hepcol.histograms import inclusive
from hepcol.report.band_plots import draw_band
from hepcol.report.bands import band_of, largest
from hepcol.report.style import mark, style

histogram = inclusive(run.result["zee-simulation"].histograms["m_ee"].to_hist())
with style():
    figure, (above, below) = plt.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    draw_band(above, below, band_of(histogram))
    above.set_ylabel("events / 1 GeV")
    below.set_xlabel("$m_{ee}$ [GeV]")
    above.legend()
    mark(above, run.summary)
    plt.show()

# %% [markdown]
# The largest of them one by one, relative to the nominal peak:

# %%
nominal_peak = histogram["nominal", :].values()
with style():
    figure, axes = plt.subplots()
    for effect in largest(histogram, 6):
        ratio = histogram[effect.name, :].values() / nominal_peak
        axes.stairs(ratio, histogram.axes["m_ee"].edges, label=effect.name, linewidth=2)
    axes.set_xlim(80, 100)
    axes.set_ylim(0.7, 1.6)
    axes.set_xlabel("$m_{ee}$ [GeV]")
    axes.set_ylabel("relative to nominal")
    axes.legend(fontsize="xx-small")
    mark(axes, run.summary)
    plt.show()

# %% [markdown]
# ## What each does to the peak
#
# A Breit-Wigner of the Z folded with a Crystal Ball is fitted in every variation: where is the peak, and how wide is it? All
# variations have the same events, so that differences are far smaller than the statistical error.

# %%
from hepcol.inference.folder import fit_folder

fits = fit_folder(folder / "run", "position")
part = next(part for part in fits.datasets if part.dataset == "zee-simulation")
peaks = {
    variation: 1000 * np.array([record.estimates[name].value for name in ("shift", "sigma")])
    for variation, record in zip(part.variations, part.records, strict=True)
}
shift, width = ({variation: peak[k] - peaks["nominal"][k] for variation, peak in peaks.items()} for k in (0, 1))
ranked = sorted(shift, key=lambda variation: -np.hypot(shift[variation], width[variation]))
rows = "\n".join(f"| {variation} | {shift[variation]:+.1f} | {width[variation]:+.1f} |" for variation in ranked[:12])
Markdown(f"| variation | position [MeV] | resolution [MeV] |\n|:--|--:|--:|\n{rows}")

# %% [markdown]
# ## Calibrate with the peak
#
# What the Z is for: the energy scale of data, $E_\text{data} = (1 + \alpha) E_\text{simulation}$, and the constant term $c$ that
# data have beside simulation, in regions of $\eta$. In the same pass templates of simulation were filled on a grid of $\alpha$ and
# $c$ for each pair of regions; all pairs are fitted together. The pseudo-data were generated with known $\alpha$ and $c$ (red).

# %%
from processors.zee_atlas.in_situ_folder import calibrate_folder

shutil.rmtree(folder / "area", ignore_errors=True)  # of an earlier execution of this cell
found = calibrate_folder(folder / "run", area=folder / "area")
Image(folder / "run" / "in_situ.png", width=520)

# %% [markdown]
# What was found is written as a calibration area: the same analysis reads it back. With it the peaks of data and simulation
# agree.

# %%
again = hepcol.run(
    ZeeAtlasProcessor(systematics="none", scale_factors="zee-atlas", area=str(folder / "area")), files, dataset="zee"
)

with style({"figure.figsize": (14, 6)}):
    figure, panels = plt.subplots(1, 2, sharey=True)
    for axes, result, title in zip(panels, (run.result, again.result), ("before", "after"), strict=True):
        simulated, observed = (
            inclusive(result[name].histograms["m_ee"].to_hist())["nominal", :]
            for name in ("zee-simulation", "zee-data")
        )
        peak = slice(14, 34)  # 80 to 100 GeV
        scale = observed.values()[peak].sum() / simulated.values()[peak].sum()
        difference = observed.values() - scale * simulated.values()
        chi2 = (difference**2 / (observed.values() + scale**2 * simulated.variances()))[peak].sum()
        axes.stairs(scale * simulated.values(), simulated.axes[0].edges, label="simulation", linewidth=2)
        axes.errorbar(
            simulated.axes[0].centers, observed.values(), np.sqrt(observed.values()), fmt="ko", label="pseudo-data"
        )
        axes.set_xlim(80, 100)
        axes.set_xlabel("$m_{ee}$ [GeV]")
        axes.legend(title=f"{title}: $\\chi^2$ = {chi2:.0f} of 19", loc="upper left")
    panels[0].set_ylabel("events / 1 GeV")
    mark(panels[0], again.summary)
    plt.show()

# %% [markdown]
# ## How long it took

# %%
summary = run.summary
variations = len(run.result["zee-simulation"].histograms["m_ee"].axes[0])
print(f"{summary['events']['processed']:,} events, {variations} variations: {summary['wall_s']:.1f} s in all")
print(
    f"  start of the cluster {summary['start_s']:.1f} s, events {summary['process_s']:.1f} s, writing {summary['write_s']:.1f} s"
)
print(f"  of which kernels were compiled or loaded for {summary['compile_s']:.1f} s on each worker")
print(f"  {1e6 * summary['cpu_s'] / summary['events']['processed']:.0f} us of CPU for each event, without that")

# %% [markdown]
# On the command line it is
#
# ```
# hepcol run zee_atlas FILES -p in_situ=true --executor dask -o DIR
# hepcol fit DIR
# hepcol insitu DIR --area AREA
# hepcol report DIR
# ```
#
# and `hepcol report` puts everything into one HTML page.
