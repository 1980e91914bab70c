"""The command line: `python -m distill_core …`. Exit status 0 done, 1 failed, 2 refused, 130 stopped."""
