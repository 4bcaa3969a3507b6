"""The lab's settings as they are, but with its static files where this run has put them."""

import os

from fabomatic.settings import *  # noqa: F403

STATIC_ROOT = os.environ["STATIC_ROOT"]
