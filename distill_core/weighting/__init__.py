"""Weighting: how several teachers are combined. A new way is one module and one line in the registry."""

from distill_core.weighting.registry import WEIGHTINGS, build

__all__ = ["WEIGHTINGS", "build"]
