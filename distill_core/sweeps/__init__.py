"""Sweeps: many short trials of one run config with some settings varied, chosen on validation alone (ADR 0021)."""
