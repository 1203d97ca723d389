"""The search for stops in four-body decays (ATLAS SUSY-2018-08): yields in all regions, with all systematics."""

from processors.stop4b.processor import Stop4bProcessor

__all__ = ["Stop4bProcessor"]
