"""Columns of the arrays that the kernels take, observables, and the numbers of the selection (GeV, rad)."""

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Singles = npt.NDArray[np.float32]

# Columns of objects, of the arrays that the kernel takes
PT, ETA, PHI, TRUTH_PT, MASS = 0, 1, 2, 3, 3
CHARGE, CLASS, IS_SIGNAL = 0, 1, 2
TRACKS, IS_TAGGED, PASSES_JVT, FLAVOUR = 0, 1, 2, 3
X, Y = 0, 1

# Observables, in the order in which they are found; the marks are where a stage ends
OBSERVABLES = (
    *("nlep", "lep1pT", "lep2pT", "lep1eta", "lep2eta", "lep1phi", "lep2phi", "isSignalLep1", "isSignalLep2"),
    *("IFFTypeLep1", "IFFTypeLep2", "isOS", "isSF"),
    *("mll", "pTll", "dphill"),
    *("njet", "nbjet", "jet1pT", "jet2pT", "jet3pT", "jet4pT", "R2l4j"),
    *("MET", "METphi", "pbll", "dphi_boost", "R2l"),
    "minDRl2j",
    "METsig",
)
NLEP, PT1, PT2, ETA1, ETA2, PHI1, PHI2, SIGNAL1, SIGNAL2, CLASS1, CLASS2, OS, SF = range(13)
MLL, PTLL, DPHILL = range(13, 16)
NJET, NBJET, JET1 = range(16, 19)
R2L4J, MET, METPHI, PBLL, DPHI_BOOST, R2L = range(22, 28)
MIN_DR, SIGNIFICANCE = 28, 29
# First observable after each stage: leptons, pairs, jets, missing momentum, distances, significance
MAX_ACCEPTED = 64  # whole numbers that a cut can list, as bits
LEPTONS, PAIRS, JETS, MISSING, DISTANCES, SIGNIFICANCES = range(6)
STAGES = (MLL, NJET, MET, MIN_DR, SIGNIFICANCE, len(OBSERVABLES))

# As samples.stop4b.selection documents; GeV, rad
ELECTRON_MIN_PT, ELECTRON_MAX_ETA = 4.5, 2.47
MUON_MIN_PT, MUON_MAX_ETA = 4.0, 2.4
JET_MIN_PT, JET_MAX_ETA = 20.0, 2.8
FORWARD_MIN_PT, FORWARD_MAX_ETA = 30.0, 4.5
TRACKER_MAX_ETA = 2.5
JVT_MAX_PT = 120.0
SAME_TRACK, SAME_OBJECT, MAX_CONE = 0.01, 0.2, 0.4
CONE_CONSTANT, CONE_SLOPE = 0.04, 10.0
HARD_ELECTRON, MUON_JET_TRACKS = 100.0, 3
SKIM_LEPTONS, SKIM_MET = 2, 200.0
NO_JET = 1000.0
N_LEADING = 4

# Squares of resolutions are polynomials of pt: samples.stop4b.resolutions; GeV
JET_NOISE, JET_STOCHASTIC, JET_CONSTANT, JET_SLOPE, JET_ANGLE = 3.5, 0.75, 0.03, 0.05, 0.03
ELECTRON_NOISE, ELECTRON_STOCHASTIC, ELECTRON_CONSTANT = 0.2, 0.10, 0.01
MUON_CONSTANT, MUON_LINEAR, MUON_SLOPE = 0.017, 1e-4, 0.2
SOFT_TERM = 9.0

# As samples.stop4b.variations documents
EG_BARREL, EG_CRACK, EG_ENDCAP, BARREL_END, CRACK_END = 0.003, 0.010, 0.006, 1.37, 1.52
MU_BARREL, MU_ENDCAP, MU_BARREL_END = 0.001, 0.002, 1.05
B = 5
HIGH_ENERGY, NON_CLOSURE_FROM, NON_CLOSURE_TO = 600.0, 2.0, 2.8
MIN_JER_FACTOR = 0.1
N_JET_SCALES, N_JER_DRAWS = 7, 8
LOCAL, LOCAL_SIZES = 4, (0.010, 0.015, 0.015)  # scales from this one on change some jets only

# processors.stop4b.response.Change
NOTHING, E_SCALE, E_RESOLUTION, MU_SCALE, MU_RESOLUTION, MU_CURVATURE = range(6)
JET_SCALE, JET_RESOLUTION, SOFT_SCALE, SOFT_PARALLEL, SOFT_PERPENDICULAR = range(6, 11)
