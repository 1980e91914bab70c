"""`python -m distill_core`: exactly what the page starts."""

import os
import sys

# Before torch is loaded: threads that wait for each other should sleep, not spin. On a machine that does anything else
# beside training, spinning threads cost many times the work itself (docs/adr/0010).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KMP_BLOCKTIME", "0")

from distill_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
