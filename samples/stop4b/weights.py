"""Scale factors of an event and their 42 variations, as formulas of its nominal objects.

They belong to the event, not to a tree: rows of kinematic trees carry the factors of the nominal selection. With the
product over the objects that ``selection`` leaves nominally (e: electrons, mu: muons, j: signal jets in |eta| < 2.5)::

    WeightEventselSF = prod_e  0.98 + 0.01 tanh((pt - 10)/10)
    WeightEventsmuSF = prod_mu 0.985 + 0.01 tanh((pt - 6)/6)
    WeightEventsJVT  = prod_j  0.995 if pt < 120, else 1
    WeightEventsbTag = prod_j  0.99 if b-tagged, else 1.005, for flavour 5; 1 for others
    WeightEventsPU   = max(0.1, 1 + 0.08 z), z a normal number of (eventNumber, 0, draw 0)

and each variation, up and down, is the nominal factor times (1 +- sum over the objects of s), s from ``VARIATIONS``;
PRW_DATASF is max(0.1, 1 + 0.08 z +- 0.03 (1 + z)). No factor falls below 0.01.

Events of Fakes, and only they, carry an invented fake factor, in every tree and in the object files::

    fakeWeight                      f (1 + 0.05 z), z = hepcol.random.normals(key, eventNumber, 0, 0)
                                    key = hepcol.random.stream_key(0, "stop4b.fake_factor", "stop4b")
    fakeWeight_statUp, Down         times 1.10, 0.90
    fakeWeight_compSyst_SRAUp, Down times 1.20, 0.80
    fakeWeight_compSyst_SRBUp, Down times 1.15, 0.85

f is 0.20 where the first candidate that is not prompt, in ``Electron`` as stored and then in ``Muon``, is an electron,
and 0.10 elsewhere. So it neither depends on a selection nor varies with momenta. Not prompt: ``iff`` is none of
``truth.PROMPT_CLASSES`` (0, 1, 2, 3, 4, 6, 7, 11).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from samples.collection import Collection, Column
from samples.draws import Floats, normals, stream_key
from samples.stop4b.columns import Events, sum_by_event
from samples.stop4b.selection import JVT_MAX_PT, TRACKER_MAX_ABS_ETA, Bools, Selected, is_b_tagged
from samples.stop4b.truth import PROMPT_CLASSES

ELECTRON, MUON, TAGGING, VERTEX, PILE_UP = (f"WeightEvents{name}" for name in ("elSF", "muSF", "bTag", "JVT", "PU"))
FACTORS = (ELECTRON, MUON, VERTEX, TAGGING, PILE_UP)
_B, _C = 5, 4
_SMALLEST = 0.01
_PILE_UP_WIDTH, _PILE_UP_SIZE, _PILE_UP_SMALLEST = 0.08, 0.03, 0.1
FAKE = "fakeWeight"
_FAKE_ELECTRON, _FAKE_MUON, _FAKE_SPREAD = 0.20, 0.10, 0.05
_FAKE_SIZES = {
    FAKE: 1.0,
    f"{FAKE}_statUp": 1.10,
    f"{FAKE}_statDown": 0.90,
    f"{FAKE}_compSyst_SRAUp": 1.20,
    f"{FAKE}_compSyst_SRADown": 0.80,
    f"{FAKE}_compSyst_SRBUp": 1.15,
    f"{FAKE}_compSyst_SRBDown": 0.85,
}
FAKE_COLUMNS = tuple(_FAKE_SIZES)

Size = Callable[[Collection], Floats]


@dataclass(frozen=True)
class WeightVariation:
    """A pair of columns ``<name>__1up`` and ``<name>__1down``.

    Parameters
    ----------
    name : str
        Name of the column, which begins with the factor that it varies.
    factor : str
        The nominal column.
    size : callable
        Relative size for each object of the factor.
    """

    name: str
    factor: str
    size: Size


def _constant(size: float) -> Size:
    return lambda objects: np.full(len(objects["pt"]), size)


def _falling(size: float, scale: float) -> Size:
    """Let the size fall as exp(-pt / scale), pt in GeV."""
    return lambda objects: size * np.exp(-objects["pt"] / scale)


def _of_flavour(chosen: Callable[[Collection], Bools], size: float) -> Size:
    return lambda jets: np.where(chosen(jets), size, 0.0)


def _is_light(jets: Collection) -> Bools:
    light: Bools = (jets["flavour"] != _B) & (jets["flavour"] != _C) & is_b_tagged(jets)
    return light


def _is_hard(jets: Collection) -> Bools:
    hard: Bools = jets["pt"] > 300.0  # noqa: PLR2004 (GeV: end of the calibration's range)
    return hard


def _electron(name: str, size: Size) -> WeightVariation:
    return WeightVariation(f"{ELECTRON}_EL_EFF_{name}_TOTAL_1NPCOR_PLUS_UNCOR", ELECTRON, size)


def _muon(name: str, size: Size) -> WeightVariation:
    return WeightVariation(f"{MUON}_MUON_EFF_{name}", MUON, size)


def _tagging(name: str, size: Size) -> WeightVariation:
    return WeightVariation(f"{TAGGING}_FT_EFF_{name}", TAGGING, size)


VARIATIONS = (
    _electron("ChargeIDSel", _constant(0.001)),
    _electron("ID", _falling(0.03, 20.0)),
    _electron("Iso", _falling(0.02, 15.0)),
    _electron("Reco", _constant(0.003)),
    _muon("BADMUON_STAT", _constant(0.0001)),
    _muon("BADMUON_SYS", _constant(0.0002)),
    _muon("ISO_STAT", _falling(0.005, 15.0)),
    _muon("ISO_SYS", _falling(0.015, 15.0)),
    _muon("RECO_STAT", _constant(0.001)),
    _muon("RECO_STAT_LOWPT", _falling(0.01, 5.0)),
    _muon("RECO_SYS", _constant(0.003)),
    _muon("RECO_SYS_LOWPT", _falling(0.02, 5.0)),
    _muon("TTVA_STAT", _constant(0.0005)),
    _muon("TTVA_SYS", _falling(0.004, 10.0)),
    _tagging("B_systematics", _of_flavour(lambda jets: jets["flavour"] == _B, 0.015)),
    _tagging("C_systematics", _of_flavour(lambda jets: (jets["flavour"] == _C) & is_b_tagged(jets), 0.05)),
    _tagging("Light_systematics", _of_flavour(_is_light, 0.15)),
    _tagging("extrapolation", _of_flavour(lambda jets: (jets["flavour"] == _B) & _is_hard(jets), 0.02)),
    _tagging("extrapolation_from_charm", _of_flavour(lambda jets: (jets["flavour"] == _C) & _is_hard(jets), 0.02)),
    WeightVariation(f"{VERTEX}_JET_JvtEfficiency", VERTEX, lambda jets: np.where(jets["pt"] < JVT_MAX_PT, 0.004, 0.0)),
    WeightVariation(f"{PILE_UP}_PRW_DATASF", PILE_UP, _constant(0.0)),
)
COLUMNS = (
    *FACTORS,
    *(f"{variation.name}__1{side}" for variation in VARIATIONS for side in ("up", "down")),
)


def weigh(events: Events, nominal: Selected, seed: int, namespace: str) -> dict[str, Column]:
    """Factors and variations of each event, as float32 columns."""
    jet = nominal.jet & (np.abs(events.jets["eta"]) < TRACKER_MAX_ABS_ETA)
    objects = {
        ELECTRON: (events.electrons, nominal.electron),
        MUON: (events.muons, nominal.muon),
        TAGGING: (events.jets, jet),
        VERTEX: (events.jets, jet),
    }
    z = normals(stream_key(seed, "stop4b.pile_up", namespace), events.columns["eventNumber"], 0, 0)
    factors = {
        ELECTRON: _product(*objects[ELECTRON], 0.98 + 0.01 * np.tanh((events.electrons["pt"] - 10) / 10)),
        MUON: _product(*objects[MUON], 0.985 + 0.01 * np.tanh((events.muons["pt"] - 6) / 6)),
        TAGGING: _product(*objects[TAGGING], _tagging_factor(events.jets)),
        VERTEX: _product(*objects[VERTEX], np.where(events.jets["pt"] < JVT_MAX_PT, 0.995, 1.0)),
        PILE_UP: np.maximum(_PILE_UP_SMALLEST, 1 + _PILE_UP_WIDTH * z),
    }
    columns = dict(factors)
    for variation in VARIATIONS:
        for side, sign in (("up", +1), ("down", -1)):
            if variation.factor == PILE_UP:
                shifted = 1 + _PILE_UP_WIDTH * z + sign * _PILE_UP_SIZE * (1 + z)
                varied = np.maximum(_PILE_UP_SMALLEST, shifted)
            else:
                collection, mark = objects[variation.factor]
                shift = sum_by_event(collection, np.where(mark, variation.size(collection), 0.0))
                varied = np.maximum(_SMALLEST, factors[variation.factor] * (1 + sign * shift))
            columns[f"{variation.name}__1{side}"] = varied
    return {name: columns[name].astype(np.float32) for name in COLUMNS}


def weigh_fakes(events: Events) -> dict[str, Column]:
    """Fake factor of each event and its variations, as float32 columns."""
    not_prompt = ~np.isin(events.electrons["iff"], PROMPT_CLASSES)
    has_electron = sum_by_event(events.electrons, not_prompt.astype(np.float64)) > 0
    z = normals(stream_key(0, "stop4b.fake_factor", "stop4b"), events.columns["eventNumber"], 0, 0)
    factor = np.where(has_electron, _FAKE_ELECTRON, _FAKE_MUON) * (1 + _FAKE_SPREAD * z)
    return {name: (factor * size).astype(np.float32) for name, size in _FAKE_SIZES.items()}


def _tagging_factor(jets: Collection) -> Floats:
    return np.where(jets["flavour"] == _B, np.where(is_b_tagged(jets), 0.99, 1.005), 1.0)


def _product(collection: Collection, mark: Bools, factor: Floats) -> Floats:
    return np.exp(sum_by_event(collection, np.where(mark, np.log(factor), 0.0)))
