"""Samples of the stop four-body search of ATLAS (arXiv:2102.01444), by Pythia 8 and a parametrised detector."""

from samples.stop4b.output import FORMS, NAME, VERSION
from samples.stop4b.sample import Request, flatten, generate

__all__ = ["FORMS", "NAME", "VERSION", "Request", "flatten", "generate"]
