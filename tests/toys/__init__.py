"""A student and a task that are not in the house: each a module, and a line of the catalogue in `registered`."""
