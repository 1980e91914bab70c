"""Losses: pure functions, tensors in, one unreduced value per example out. The training step reduces, once."""
