"""The students: a package a kind, with its section and arithmetic without torch, and its torch module."""
