"""The cuts of the analysis, as data: on electrons, on pairs of them, and what events need beside."""

from hepcol.selection import Cut
from hepcol.units import GeV

CRACK = (1.37, 1.52)  # |eta| of clusters, between barrel and endcaps
TRACK_ISOLATION = "ptvarcone30_Nonprompt_All_MaxWeightTTVALooseCone_pt1000"
CALO_ISOLATION = "topoetcone20"
MEDIUM = "DFCommonElectronsLHMedium"

# Of electrons, made on what no variation of their energy changes
ELECTRON_CUTS = (
    Cut("medium likelihood", MEDIUM, equal=(1.0,), source="LHMedium, arXiv:1902.04655"),
    Cut("|eta| < 2.47", "abs_eta", below=2.47, source="of the cluster in the second layer: tracker"),
    Cut("outside the crack", "in_crack", equal=(0.0,), source="|eta| from 1.37 to 1.52, arXiv:1902.04655"),
    # Loose_VarRad of Athena's IsolationSelectionTool; of the pt that is stored, so that no variation changes which
    # electrons are isolated
    Cut("track isolation", "track_isolation", below=0.15, source="ptvarcone30 / pt < 0.15"),
    Cut("calorimeter isolation", "calo_isolation", below=0.20, source="topoetcone20 / pt < 0.20"),
)
# Of electrons, on their calibrated pt
MIN_PT = Cut("pt > 27 GeV", "pt", above=27 * GeV, source="above the trigger of 26 GeV")
# Of pairs
N_ELECTRONS = 2
MASS = Cut("66 < m_ee < 116 GeV", "m_ee", above=66 * GeV, below=116 * GeV, source="around the Z; ours")

CLEANING = "DFCommonJets_eventClean_LooseBad"
# Unprescaled triggers of one electron: 2015, and 2016 to 2018 (arXiv:1909.00761)
TRIGGERS = (
    "HLT_e24_lhmedium_L1EM20VH",
    "HLT_e60_lhmedium",
    "HLT_e120_lhloose",
    "HLT_e26_lhtight_nod0_ivarloose",
    "HLT_e60_lhmedium_nod0",
    "HLT_e140_lhloose_nod0",
)

ALL = "all events"
GOOD_RUNS = "good runs"  # of data, with a list of them
CLEAN = "event cleaning"
CANDIDATES = "two isolated medium electrons"
TRIGGERED = "one fires a trigger"
HARD = "exactly two with pt > 27 GeV"
OPPOSITE = "of opposite charge"
