"""New analysis packages, copied from one that works as it is."""

from hepcol.scaffold.package import create

__all__ = ["create"]
