"""An analysis: electron pairs around the Z, nominal and with the energy scale up and down."""

from newanalysis.processor import NewAnalysisProcessor

__all__ = ["NewAnalysisProcessor"]
