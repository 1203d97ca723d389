"""Branches of PHYSLITE files, and the rows of a block of events for them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from samples.treewriter import Offsets, Rows
from samples.zee_atlas.conditions import CHANNEL, SIMULATED_RUN, Conditions
from samples.zee_atlas.detector import Integers, Seen, index_in_event
from samples.zee_atlas.truth import DATA

TREE, TITLE = "CollectionTree", "CollectionTree"
TRIGGER = "HLT_e26_lhtight_nod0_ivarloose"
_TRACK_ISOLATION = "ptvarcone30_Nonprompt_All_MaxWeightTTVALooseCone_pt1000"
# As ATLAS's files hash the names of egammaClusters and AnalysisElectrons
_CLUSTERS_KEY, _ELECTRONS_KEY, _VERTICES_KEY = 360221983, 956497600, 1
ELECTRON_MASS = 0.51099895  # MeV
_AUTHOR_ELECTRON, _AUTHOR_PHOTON = 1, 4
_ISOLATED, _OF_Z = 2, 13  # MCTruthClassifier: type IsoElectron, origin ZBoson
_PDG_ELECTRON = 11
_MEV = 1000.0
_LAYERS = 4
# Shares of the layers of barrel and endcap: presampler, strips, middle, back; ours
_SHARES = np.array([[0.04, 0.26, 0.68, 0.02], [0.03, 0.22, 0.71, 0.04]])
_BARREL = 1.475
# Bits of the mantissa that are kept where it makes files smaller, as PHYSLITE does; a float has 23
_BITS_FINE, _BITS_ROUGH = 16, 9  # 1e-5 and 1e-3

_LINKS = "vector<vector<{}Link>>"
_EVENT_INFO = {
    "eventNumber": "uint64_t",
    "runNumber": "uint32_t",
    "lumiBlock": "uint32_t",
    "eventTypeBitmask": "uint32_t",
    "actualInteractionsPerCrossing": "float",
    "averageInteractionsPerCrossing": "float",
    "DFCommonJets_eventClean_LooseBad": "char",
}
_SIMULATED_INFO = {
    "mcChannelNumber": "uint32_t",
    "RandomRunNumber": "uint32_t",
    "PileupWeight_NOSYS": "float",
    "mcEventWeights": "vector<float>",
}
_ELECTRONS = {
    "pt": "vector<float>",
    "eta": "vector<float>",
    "phi": "vector<float>",
    "m": "vector<float>",
    "charge": "vector<float>",
    "author": "vector<uint16_t>",
    "OQ": "vector<uint32_t>",
    "DFCommonElectronsLHLoose": "vector<char>",
    "DFCommonElectronsLHMedium": "vector<char>",
    "DFCommonElectronsLHTight": "vector<char>",
    _TRACK_ISOLATION: "vector<float>",
    "topoetcone20": "vector<float>",
    "caloClusterLinks": _LINKS.format("Cluster"),
}
_SIMULATED_ELECTRONS = {
    "truthType": "vector<int32_t>",
    "truthOrigin": "vector<int32_t>",
    "truthPdgId": "vector<int32_t>",
}
_PHOTONS = {
    "pt": "vector<float>",
    "eta": "vector<float>",
    "phi": "vector<float>",
    "m": "vector<float>",
    "author": "vector<uint16_t>",
    "OQ": "vector<uint32_t>",
    "DFCommonPhotonsIsEMLoose": "vector<char>",
    "DFCommonPhotonsIsEMTight": "vector<char>",
    "topoetcone20": "vector<float>",
    "caloClusterLinks": _LINKS.format("Cluster"),
    "vertexLinks": _LINKS.format("Vertex"),
}
_CLUSTERS = {
    "calE": "vector<float>",
    "calEta": "vector<float>",
    "calPhi": "vector<float>",
    "calM": "vector<float>",
    "ETACALOFRAME": "vector<float>",
    "PHICALOFRAME": "vector<float>",
    "ETA2CALOFRAME": "vector<float>",
    "PHI2CALOFRAME": "vector<float>",
    "e_sampl": "vector<vector<float>>",
    "eta_sampl": "vector<vector<float>>",
}
_MATCHED = f"AnalysisTrigMatch_{TRIGGER}AuxDyn.TrigMatchedObjects"


def branches(form: str) -> dict[str, str]:
    """C++ types of the branches of simulation or data, by name."""
    collections: dict[str, Mapping[str, str]] = {
        "EventInfo": _EVENT_INFO if form == DATA else {**_EVENT_INFO, **_SIMULATED_INFO},
        "AnalysisElectrons": _ELECTRONS if form == DATA else {**_ELECTRONS, **_SIMULATED_ELECTRONS},
        "AnalysisPhotons": _PHOTONS,
        "egammaClusters": _CLUSTERS,
    }
    named = {
        f"{collection}AuxDyn.{name}": kind for collection, of in collections.items() for name, kind in of.items()
    }
    return {**named, _MATCHED: _LINKS.format("Particle")}


def to_rows(
    number: Integers, conditions: Conditions, electrons: Seen, photons: Seen, form: str
) -> dict[str, Rows]:
    """Rows of all branches.

    Parameters
    ----------
    number : int64[n]
        Numbers of the events.
    conditions : Conditions
        Of the events.
    electrons, photons : Seen
        What is seen in them.
    form : str
        Simulation or data.
    """
    count = len(number)
    electron_cluster, photon_cluster, clusters = _merge_clusters(electrons, photons)
    of_electrons, of_photons = (offsets_of(seen.event, count) for seen in (electrons, photons))
    of_clusters = offsets_of(clusters.event, count)
    columns: dict[str, dict[str, Rows]] = {
        "EventInfo": _event_info(number, conditions, form),
        "AnalysisElectrons": _listed(_electron_columns(electrons, form), of_electrons)
        | {"caloClusterLinks": _links(electron_cluster, _CLUSTERS_KEY, of_electrons)},
        "AnalysisPhotons": _listed(_photon_columns(photons), of_photons)
        | {
            "caloClusterLinks": _links(photon_cluster, _CLUSTERS_KEY, of_photons),
            "vertexLinks": _vertex_links(photons, of_photons),
        },
        "egammaClusters": _listed(_cluster_columns(clusters), of_clusters) | _layers(clusters, of_clusters),
    }
    rows = {f"{collection}AuxDyn.{name}": one for collection, of in columns.items() for name, one in of.items()}
    return {**rows, _MATCHED: _matched(electrons, count)}


def offsets_of(event: Integers, count: int) -> Offsets:
    """Offsets of events into what belongs to them."""
    return np.searchsorted(event, np.arange(count + 1)).astype(np.int64)


def _event_info(number: Integers, conditions: Conditions, form: str) -> dict[str, Rows]:
    is_data = form == DATA
    count = len(number)
    values: dict[str, npt.ArrayLike] = {
        "eventNumber": number + 1,
        "runNumber": conditions.run if is_data else np.full(count, SIMULATED_RUN),
        "lumiBlock": conditions.lumi_block,
        "eventTypeBitmask": np.full(count, 0 if is_data else 1),
        "actualInteractionsPerCrossing": conditions.mu,
        "averageInteractionsPerCrossing": conditions.mu,
        "DFCommonJets_eventClean_LooseBad": conditions.is_clean,
        "mcChannelNumber": np.full(count, CHANNEL),
        "RandomRunNumber": conditions.run,
        "PileupWeight_NOSYS": conditions.pile_up_weight,
    }
    kinds = _EVENT_INFO if is_data else {**_EVENT_INFO, **_SIMULATED_INFO}
    rows = {name: Rows(_typed(value, kinds[name])) for name, value in values.items() if name in kinds}
    if is_data:
        return rows
    return rows | {"mcEventWeights": Rows(np.ones(count, dtype=np.float32), np.arange(count + 1))}


def _electron_columns(electrons: Seen, form: str) -> dict[str, tuple[npt.ArrayLike, str]]:
    count = len(electrons)
    values: dict[str, Any] = {
        "pt": electrons["pt"] * _MEV,
        "eta": _rounded(electrons["eta"], _BITS_FINE),
        "phi": _rounded(electrons["phi"], _BITS_FINE),
        "m": np.full(count, ELECTRON_MASS),
        "charge": electrons["charge"],
        "author": np.full(count, _AUTHOR_ELECTRON),
        "OQ": np.zeros(count),
        "DFCommonElectronsLHLoose": electrons["is_loose"],
        "DFCommonElectronsLHMedium": electrons["is_medium"],
        "DFCommonElectronsLHTight": electrons["is_tight"],
        _TRACK_ISOLATION: _rounded(electrons["ptvarcone30"] * _MEV, _BITS_ROUGH),
        "topoetcone20": _rounded(electrons["topoetcone20"] * _MEV, _BITS_ROUGH),
    }
    kinds = dict(_ELECTRONS)
    if form != DATA:
        values |= {
            "truthType": np.full(count, _ISOLATED),
            "truthOrigin": np.full(count, _OF_Z),
            "truthPdgId": -_PDG_ELECTRON * electrons["true_charge"],
        }
        kinds |= _SIMULATED_ELECTRONS
    return {name: (value, kinds[name]) for name, value in values.items()}


def _photon_columns(photons: Seen) -> dict[str, tuple[npt.ArrayLike, str]]:
    count = len(photons)
    values: dict[str, Any] = {
        "pt": photons["pt"] * _MEV,
        "eta": _rounded(photons["eta"], _BITS_FINE),
        "phi": _rounded(photons["phi"], _BITS_FINE),
        "m": np.zeros(count),
        "author": np.full(count, _AUTHOR_PHOTON),
        "OQ": np.zeros(count),
        "DFCommonPhotonsIsEMLoose": photons["is_loose"],
        "DFCommonPhotonsIsEMTight": photons["is_tight"],
        "topoetcone20": _rounded(photons["topoetcone20"] * _MEV, _BITS_ROUGH),
    }
    return {name: (value, _PHOTONS[name]) for name, value in values.items()}


def _merge_clusters(electrons: Seen, photons: Seen) -> tuple[Integers, Integers, Seen]:
    """Clusters of all, by falling energy in each event, and which of them each electron and photon has."""
    event = np.concatenate([electrons.event, photons.event])
    names = ("pt", "eta", *(name for name in electrons.values if name.startswith("cl_")))
    values = {name: np.concatenate([electrons[name], photons[name]]) for name in names}
    energy = values["pt"] * np.cosh(values["eta"])
    order = np.lexsort((-energy, event))
    position = np.empty(len(event), dtype=np.int64)
    position[order] = index_in_event(event[order])
    merged = Seen(event, {**values, "energy": energy}).take(order)
    return position[: len(electrons)], position[len(electrons) :], merged


def _cluster_columns(clusters: Seen) -> dict[str, tuple[npt.ArrayLike, str]]:
    values: dict[str, Any] = {
        "calE": _rounded(clusters["energy"] * _MEV, _BITS_FINE),
        "calEta": _rounded(clusters["cl_eta"], _BITS_FINE),
        "calPhi": _rounded(clusters["cl_phi"], _BITS_FINE),
        "calM": np.zeros(len(clusters)),
        "ETACALOFRAME": _rounded(clusters["cl_eta_calo"], _BITS_FINE),
        "PHICALOFRAME": _rounded(clusters["cl_phi_calo"], _BITS_FINE),
        "ETA2CALOFRAME": _rounded(clusters["cl_eta2_calo"], _BITS_FINE),
        "PHI2CALOFRAME": _rounded(clusters["cl_phi2_calo"], _BITS_ROUGH),
    }
    return {name: (value, _CLUSTERS[name]) for name, value in values.items()}


def _layers(clusters: Seen, offsets: Offsets) -> dict[str, Rows]:
    """Energy and pseudorapidity of the layers: those of barrel or endcap."""
    inner = np.arange(len(clusters) + 1) * _LAYERS
    shares = _SHARES[(np.abs(clusters["cl_eta"]) > _BARREL).astype(np.int64)]
    energy = shares * clusters["energy"][:, np.newaxis] * _MEV
    eta = np.repeat(clusters["cl_eta2_calo"], _LAYERS)
    return {
        "e_sampl": Rows(_rounded(energy.ravel(), _BITS_ROUGH), offsets, inner),
        "eta_sampl": Rows(_rounded(eta, _BITS_ROUGH), offsets, inner),
    }


def _links(index: Integers, key: int, offsets: Offsets) -> Rows:
    """One link for each particle."""
    return Rows(_to_links(index, key), offsets, np.arange(len(index) + 1))


def _to_links(index: Integers, key: int) -> npt.NDArray[np.uint32]:
    rows = np.empty((len(index), 2), dtype=np.uint32)
    rows[:, 0], rows[:, 1] = key, index
    return rows.view(np.uint64).reshape(-1)  # one row a link


def _vertex_links(photons: Seen, offsets: Offsets) -> Rows:
    """A link for each converted photon; there is no collection of vertices to lead to."""
    converted = photons["is_converted"].astype(np.int64)
    inner = np.concatenate(([0], np.cumsum(converted)))
    index = index_in_event(photons.event[converted.astype(np.bool_)])
    return Rows(_to_links(index, _VERTICES_KEY), offsets, inner)


def _matched(electrons: Seen, count: int) -> Rows:
    """One combination of one electron for each electron that fires the trigger."""
    firing = np.flatnonzero(electrons["fires"])
    index = index_in_event(electrons.event)[firing]
    return _links(index, _ELECTRONS_KEY, offsets_of(electrons.event[firing], count))


def _listed(columns: Mapping[str, tuple[npt.ArrayLike, str]], offsets: Offsets) -> dict[str, Rows]:
    return {
        name: Rows(_typed(value, kind.removeprefix("vector<").removesuffix(">")), offsets)
        for name, (value, kind) in columns.items()
    }


def _typed(values: npt.ArrayLike, kind: str) -> npt.NDArray[Any]:
    name = {"float": "float32", "char": "int8"}.get(kind, kind.removesuffix("_t"))
    return np.ascontiguousarray(values, dtype=name)


def _rounded(values: npt.ArrayLike, bits: int) -> npt.NDArray[np.float32]:
    """Keep so many bits of the mantissa, so that files get smaller."""
    words = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    dropped = 23 - bits
    half = np.uint32(1 << (dropped - 1))
    return ((words + half) & np.uint32(0xFFFFFFFF << dropped & 0xFFFFFFFF)).view(np.float32)
