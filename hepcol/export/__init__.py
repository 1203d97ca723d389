"""Results of runs in the formats of other programs."""

from hepcol.export.folder import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
