"""With this folder on PYTHONPATH every Python process has the two lines: the app's, and those it starts."""

import tests.toys.registered  # noqa: F401
