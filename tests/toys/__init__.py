"""A student and a task that only their modules and two lines (`registered`) know of."""

import os
from pathlib import Path

#: PYTHONPATH of a process that is to have the two lines, and hands them on to those it starts
TWO_LINES = os.pathsep.join(str(folder) for folder in (Path(__file__).parent / "site", Path(__file__).parents[2]))
