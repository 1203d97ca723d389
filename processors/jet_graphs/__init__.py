"""Graphs of large-R jets, and their comparison by graph kernels."""

from processors.jet_graphs.processor import JetGraphsProcessor

__all__ = ["JetGraphsProcessor"]
