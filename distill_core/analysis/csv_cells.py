"""Cells of tables that people open in a spreadsheet."""

from __future__ import annotations

from typing import Any


def safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is written as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
