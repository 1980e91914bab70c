"""The one facade that page and command line call. Nothing in here imports torch, transformers or Gradio.

`Services` is what `ui/` holds; `check_config` and `CheckOutcome` are also used by `python -m distill_core check`.
"""

from distill_core.jobs.shelf import KEPT_S
from distill_core.services.check import CheckOutcome, check_config
from distill_core.services.facade import Services

__all__ = ["KEPT_S", "CheckOutcome", "Services", "check_config"]
