"""The analyses that hepcol ships: one sub-package each."""
