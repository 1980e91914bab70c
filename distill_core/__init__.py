"""Stillroom's engine: distil one or several teachers into a small student. Nothing in here knows Gradio."""

__version__ = "0.1.0"
