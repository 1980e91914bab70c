"""The sections of a RunConfig. Each field carries unit, range and help once, for page and docs."""
