"""Tasks: how text becomes tokens, and how predictions are scored."""
