"""The lab's settings, but with its static files, imports and locks elsewhere, and password hashes that are quick."""

import os
from pathlib import Path

from fabomatic.settings import *  # noqa: F403

STATIC_ROOT = os.environ["STATIC_ROOT"]
IMPORT_FOLDER, LOCK_FOLDER = (Path(STATIC_ROOT).resolve().with_name(name) for name in ("imports", "locks"))
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
