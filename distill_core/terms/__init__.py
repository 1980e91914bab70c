"""Terms: what the student is asked to minimise. A new one is one module and one line in the catalogue."""
