"""The settings children start with: the lab's own from `.env`, or the demo's, which know nothing of the lab."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
DEFAULT_MQTT_URL = "mqtt://127.0.0.1:1883"
DEFAULT_BOARD_USER = "boards"

# All settings there are: one left out would be read from the lab's `.env`.
DEMO_SETTINGS = {
    "DEBUG": "False",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,[::1]",
    "CSRF_TRUSTED_ORIGINS": "",
    "TRUSTED_PROXIES": "0",
    "MQTT_CLIENT_ID": "backend",
    "MQTT_TOPIC": "machine",
    "MQTT_REPLY_SUBTOPIC": "/reply",
    "MQTT_REQUEST_SUBTOPIC": "/request",
    "MQTT_STATS_TOPIC": "stats",
    "BOARD_PACKET_LIMIT": "300",
    "BOARD_MQTT_USER": DEFAULT_BOARD_USER,
    "BROKER_BIND": "127.0.0.1",
    "EMAIL_URL": "consolemail://",
    "DEFAULT_FROM_EMAIL": "demo@localhost",
    "LANGUAGE_CODE": "en",
    "TIME_ZONE": "Europe/Rome",
    "DASHBOARD_ACCESS": "public",
    "DASHBOARD_NAMES": "first",
    "RETENTION_DAYS": "365",
    "UNKNOWN_CARD_RETENTION_DAYS": "30",
    "BACKUP_SECOND_FOLDER": "",
    "FAILURE_MAIL_TO": "",
    "MAIL_MAINTENANCE_DUE": "True",
    "MAIL_SILENT_BOARDS": "True",
    "MAIL_MEMBERSHIP_ENDS": "True",
    "MEMBERSHIP_NOTICE_DAYS": "14",
    "QUIET_HOURS": "22:00-08:00",
    "LOG_LEVEL": "INFO",
}
# What whoever starts the demo may choose on the command line: `LANGUAGE_CODE=it make demo`.
CHOSEN_FOR_DEMO = ("LANGUAGE_CODE", "TIME_ZONE", "DASHBOARD_NAMES")

DOTENV = """\
# Written by `make run`; .env.example names every other setting.
SECRET_KEY={secret}
MQTT_URL=mqtt://backend:{backend}@127.0.0.1:1883

# What the boards log in with at the broker that `make run` starts. Both are compiled into the boards' firmware:
# write here what yours have (or build them with these), and start `make run` again.
BOARD_MQTT_USER={user}
BOARD_MQTT_PASSWORD={boards}
"""


class _Parser(environ.Env):
    """Reads a file without letting it into our own environment."""

    ENVIRON: dict[str, str] = {}


def write_dotenv(path: Path) -> bool:
    """Whether it was written; what is there stays."""
    text = DOTENV.format(
        secret=secrets.token_urlsafe(48),
        backend=secrets.token_urlsafe(18),
        user=DEFAULT_BOARD_USER,
        boards=secrets.token_urlsafe(18),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def read_dotenv(path: Path) -> dict[str, str]:
    _Parser.ENVIRON = {}
    if path.is_file():
        _Parser.read_env(path)
    return _Parser.ENVIRON


def lab_environment(outside: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """What is set outside goes before the file, as in the settings."""
    return {**read_dotenv(dotenv), **outside, "PYTHONUNBUFFERED": "1"}


def demo_environment(outside: Mapping[str, str], folder: Path, web_port: int, broker_port: int) -> dict[str, str]:
    """Nothing of the lab is in it but what a process needs to run at all."""
    password = secrets.token_urlsafe(18)
    database = quote(folder.relative_to(BASE_DIR).as_posix() if folder.is_relative_to(BASE_DIR) else str(folder))
    return {
        **outside,
        **DEMO_SETTINGS,
        **{name: outside[name] for name in CHOSEN_FOR_DEMO if name in outside},
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": f"sqlite:///{database}/db.sqlite3",
        "MQTT_URL": f"mqtt://backend:{password}@127.0.0.1:{broker_port}",
        "BOARD_MQTT_PASSWORD": secrets.token_urlsafe(18),
        "SITE_URL": f"http://127.0.0.1:{web_port}",
        "WORKER_LOG": str(folder / "worker.log"),
        "BACKUP_FOLDER": str(folder / "backups"),
        "PYTHONUNBUFFERED": "1",
    }
