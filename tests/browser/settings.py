"""The lab's settings as they are, but with its static files elsewhere, and password hashes that are quick."""

import os

from fabomatic.settings import *  # noqa: F403

STATIC_ROOT = os.environ["STATIC_ROOT"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
