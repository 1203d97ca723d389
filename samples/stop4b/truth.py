"""What a generator hands on to the detector: jagged columns of generated objects."""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from samples.draws import Floats

Integers = npt.NDArray[np.int64]

# ATLAS' classes of leptons by their origin (IFF truth classification).
ISOLATED_ELECTRON, PROMPT_MUON, FROM_TAU, FROM_B, FROM_C, FROM_LIGHT = 2, 4, 7, 8, 9, 10
# What the original calls prompt: unknown, known unknown, isolated and flipped electrons, prompt muons, electrons of
# muons, leptons of taus, charge-flipped muons.
PROMPT_CLASSES = (0, 1, 2, 3, 4, 6, 7, 11)


@dataclass(frozen=True)
class Particles:
    """Particles with transverse coordinates, the events' sizes apart.

    Parameters
    ----------
    event : array
        Row of each particle's event, ascending.
    index : array
        What identifies a particle in its event: the object of its random numbers.
    pt, eta, phi : array
        [GeV], rad.
    """

    event: Integers
    index: Integers
    pt: Floats
    eta: Floats
    phi: Floats

    @property
    def px(self) -> Floats:
        """Component of the momentum [GeV]."""
        return self.pt * np.cos(self.phi)

    @property
    def py(self) -> Floats:
        """Component of the momentum [GeV]."""
        return self.pt * np.sin(self.phi)

    def __getitem__(self, chosen: npt.NDArray[np.generic]) -> "Particles":
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True)
class Leptons(Particles):
    """Electrons and muons; ``pdg`` is signed and ``iff`` the class of their origin."""

    pdg: Integers
    iff: Integers

    def __getitem__(self, chosen: npt.NDArray[np.generic]) -> "Leptons":
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True)
class Jets(Particles):
    """Jets; ``flavour`` is 5, 4, 15 or 0 and ``ntrk`` the number of tracks above 0.5 GeV."""

    m: Floats
    flavour: Integers
    ntrk: Integers

    def __getitem__(self, chosen: npt.NDArray[np.generic]) -> "Jets":
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


@dataclass(frozen=True)
class Bosons:
    """W and Z bosons to be decayed: momentum ``[n, 4]`` as (px, py, pz, E), and of the top behind a W, or zero."""

    event: Integers
    index: Integers
    pdg: Integers
    momentum: Floats
    parent: Floats


@dataclass(frozen=True)
class Truth:
    """Generated events.

    Parameters
    ----------
    number : array
        Number of each event in its sample; grows.
    tried : array
        Events that the filter saw, up to and with the one that passed.
    jets, leptons, bosons
        What they hold.
    visible : array, ``[n, 2]``
        Sum of the transverse momenta of what the calorimeter sees, without muons, prompt leptons and bosons.
    invisible : array, ``[n, 2]``
        The same of neutrinos and neutralinos.
    """

    number: Integers
    tried: Integers
    jets: Jets
    leptons: Leptons
    bosons: Bosons
    visible: Floats
    invisible: Floats

    def __len__(self) -> int:
        return len(self.number)
