"""Z -> ee at an electron collider: the mass resolution under repeated smearing of the electron energies."""

from processors.zee.processor import ZeeProcessor

__all__ = ["ZeeProcessor"]
