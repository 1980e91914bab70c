"""What a run will take: measured probes of a machine, and a plan multiplied by them. Runs in the warm child."""
