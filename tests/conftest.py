"""The lab of the tests: ada is authorized, bruno's right has expired, carla is staff."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz")
