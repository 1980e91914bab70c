"""Weighting: how several teachers are combined. A new way is one module and one line in the catalogue."""

from distill_core.weighting.base import Situation, Table, TeacherWeighting
from distill_core.weighting.registry import build

__all__ = ["Situation", "Table", "TeacherWeighting", "build"]
