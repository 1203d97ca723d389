"""Z -> ee in ATLAS: calibrated electrons, nominal and with every systematic, and the calibration from the peak."""

from processors.zee_atlas.processor import ZeeAtlasProcessor

__all__ = ["ZeeAtlasProcessor"]
