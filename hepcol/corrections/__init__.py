"""Corrections of correctionlib as weights of events, with their variations, in any processor."""

from hepcol.corrections.columns import Column, Value
from hepcol.corrections.correction import Correction, Sides
from hepcol.corrections.corrections import NO_CORRECTIONS, Corrections, CorrectionWeights
from hepcol.corrections.file import CorrectionFile

__all__ = [
    "NO_CORRECTIONS",
    "Column",
    "Correction",
    "CorrectionFile",
    "CorrectionWeights",
    "Corrections",
    "Sides",
    "Value",
]
