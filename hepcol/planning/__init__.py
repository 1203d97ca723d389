"""How long a run would take, and with which chunks: measured on a few of them."""

from hepcol.planning.plan import Plan, plan

__all__ = ["Plan", "plan"]
