"""The lab's settings, but with its static files and imports elsewhere, and password hashes that are quick."""

import os
from pathlib import Path

from fabomatic.settings import *  # noqa: F403

STATIC_ROOT = os.environ["STATIC_ROOT"]
IMPORT_FOLDER = Path(STATIC_ROOT).resolve().with_name("imports")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
