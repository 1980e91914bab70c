"""`python -m distill_core`: exactly what the page starts."""

import sys

from distill_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
