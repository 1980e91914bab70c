"""The stages of a run, in order: prepare → teachers → cache → distil → measure. `pipeline.py` strings them together."""
