"""Settings come from the environment or `.env`; README lists them, checks.py says what is wrong with them."""

import importlib.util
import re
import shlex
import sys
import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import Any

import environ

from fabomatic.environment import Environment
from fabomatic.housekeeping.schedule import SCHEDULE
from fabomatic.quiet_hours import QuietHours

BASE_DIR = Path(__file__).resolve().parent.parent

_env = Environment(BASE_DIR / ".env")
SETTINGS_PROBLEMS = _env.problems
SETTINGS_KNOWN = _env.known

# Django's admin, daphne and import-export cost the worker 34 MB that it has no use for (a Pi Zero has 512).
_LEAN_COMMANDS = {"mqtt_worker", "simulate_boards"}
IS_LEAN = sys.argv[1:2] != [] and sys.argv[1] in _LEAN_COMMANDS
# Another 26 MB, for the one command that needs it: a developer's server with sockets.
IS_RUNSERVER = sys.argv[1:2] == ["runserver"]

SECRET_KEY = _env.text("SECRET_KEY", "")
DEBUG = _env.flag("DEBUG", False)
ALLOWED_HOSTS = _env.items("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = [
    origin for origin in _env.items("CSRF_TRUSTED_ORIGINS", []) if origin.startswith(("http://", "https://"))
]
if len(CSRF_TRUSTED_ORIGINS) != len(_env.items("CSRF_TRUSTED_ORIGINS", [])):
    _env._complain("CSRF_TRUSTED_ORIGINS", "Each begins with http:// or https://.")
SITE_URL = _env.text(
    "SITE_URL",
    "http://127.0.0.1:8000",
    "The address people open, for example https://lab.example.org.",
    lambda value: value.startswith(("http://", "https://")),
).rstrip("/")

# ---- applications ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "members",
    "machines",
    "telemetry",
    "fabomatic",
]
if not IS_LEAN:
    INSTALLED_APPS = [
        *INSTALLED_APPS,
        "fabomatic.admin_config.LabAdminConfig",
        "django.contrib.sessions",
        "django.contrib.messages",
        "whitenoise.runserver_nostatic",
        *(["daphne"] if IS_RUNSERVER else []),
        "django.contrib.staticfiles",
        "channels",
        "axes",
        "django_crontab",
    ]

MIDDLEWARE = [
    "fabomatic.middleware.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "fabomatic.middleware.GZip",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "fabomatic.middleware.own_language",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "fabomatic.urls"
ASGI_APPLICATION = "fabomatic.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# ---- database --------------------------------------------------------------------------------------------------------


def _database(url: str) -> dict[str, Any]:
    database = environ.Env.db_url_config(url)
    engine = database.get("ENGINE", "")
    if engine.endswith("sqlite3"):
        if database["NAME"] != ":memory:":
            database["NAME"] = str(BASE_DIR / database["NAME"])
        # IMMEDIATE: a transaction that reads and then writes would otherwise fail next to another writer.
        # FULL: an answered use survives a power cut. secure_delete: what was deleted is not to be read from the file.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-1024; "
            "PRAGMA secure_delete=ON;",
        }
        database["TEST"] = {"NAME": str(BASE_DIR / "var" / "test.sqlite3")}
    elif engine.endswith("postgresql"):
        if importlib.util.find_spec("psycopg") is None:
            raise ValueError("requirements-postgresql.txt is not installed")
        database["OPTIONS"] = {"connect_timeout": 2}
        database["CONN_HEALTH_CHECKS"] = True
    else:
        raise ValueError(engine)
    return database


DATABASES = {
    "default": _env.parsed(
        "DATABASE_URL",
        "sqlite:///db.sqlite3",
        _database,
        "sqlite:///db.sqlite3; or postgresql://user:password@host/name, with requirements-postgresql.txt installed.",
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "members.Member"
AUTHENTICATION_BACKENDS = [
    *([] if IS_LEAN else ["members.lockout.LockoutBackend"]),
    "members.backends.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "dashboard"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
# With https:// somebody in front of us speaks it.
TRUSTED_PROXIES = _env.number("TRUSTED_PROXIES", 1 if SESSION_COOKIE_SECURE else 0, 0, 10)
PASSWORD_RESET_TIMEOUT = 20 * 60

# What axes counts and forgets; members/lockout.py says how.
AXES_HANDLER = "members.lockout.LockoutHandler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # somebody who goes on guessing prolongs nothing
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "members.lockout.account_of"
AXES_CLIENT_IP_CALLABLE = "members.lockout.address_of"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # `manage.py axes_reset` lets everybody in again
AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W002"]  # that its middleware is missing

# ---- boards ----------------------------------------------------------------------------------------------------------
MQTT_URL = _env.text("MQTT_URL", "mqtt://127.0.0.1:1883")
MQTT_CLIENT_ID = _env.text("MQTT_CLIENT_ID", "backend")
MQTT_TOPIC = _env.text("MQTT_TOPIC", "machine")
MQTT_REPLY_SUBTOPIC = _env.text("MQTT_REPLY_SUBTOPIC", "/reply")
MQTT_REQUEST_SUBTOPIC = _env.text("MQTT_REQUEST_SUBTOPIC", "/request")
MQTT_STATS_TOPIC = _env.text("MQTT_STATS_TOPIC", "stats")
BOARD_PACKET_LIMIT = _env.number("BOARD_PACKET_LIMIT", 300, 200, 65535)

# ---- dashboard, mail, privacy ----------------------------------------------------------------------------------------
DASHBOARD_ACCESS = _env.choice("DASHBOARD_ACCESS", "login", ("login", "screens", "public"))
DASHBOARD_NAMES = _env.choice("DASHBOARD_NAMES", "none", ("none", "first", "initials", "full"))
vars().update(
    _env.parsed(
        "EMAIL_URL",
        "consolemail://",
        environ.Env.email_url_config,
        "smtp://user:password@host:25; consolemail:// is none.",
    )
)
# What EMAIL_URL names sends; ours notes how it went.
MAIL_TRANSPORT = vars()["EMAIL_BACKEND"]
EMAIL_BACKEND = "fabomatic.mail.NotingBackend"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = _env.text("DEFAULT_FROM_EMAIL", "fabomatic@localhost")
RETENTION_DAYS = _env.number("RETENTION_DAYS", 365, 1, 36500)
UNKNOWN_CARD_RETENTION_DAYS = _env.number("UNKNOWN_CARD_RETENTION_DAYS", 30, 1, 36500)

# ---- housekeeping: what cron, or a timer, starts ---------------------------------------------------------------------
# A folder beside manage.py, or anywhere; the second one is better on another disk.
_a_folder = "A folder, beside manage.py or anywhere: var/backups, /mnt/disk/backups."
BACKUP_FOLDER = BASE_DIR / _env.text("BACKUP_FOLDER", "var/backups", _a_folder, lambda given: bool(given.strip()))
_second_folder = _env.text("BACKUP_SECOND_FOLDER", "")
BACKUP_SECOND_FOLDER = BASE_DIR / _second_folder if _second_folder else None
FAILURE_MAIL_TO = [to for to in _env.items("FAILURE_MAIL_TO", []) if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", to)]
if len(FAILURE_MAIL_TO) != len(_env.items("FAILURE_MAIL_TO", [])):
    _env._complain("FAILURE_MAIL_TO", "Addresses like ada@example.org, separated by commas.")
MAIL_MAINTENANCE_DUE = _env.flag("MAIL_MAINTENANCE_DUE", True)
MAIL_SILENT_BOARDS = _env.flag("MAIL_SILENT_BOARDS", True)
MAIL_MEMBERSHIP_ENDS = _env.flag("MAIL_MEMBERSHIP_ENDS", True)
MEMBERSHIP_NOTICE_DAYS = _env.number("MEMBERSHIP_NOTICE_DAYS", 14, 1, 365)
QUIET_HOURS = _env.parsed("QUIET_HOURS", "22:00-08:00", QuietHours.parse, "A span like 22:00-08:00; empty: none.")

LOCK_FOLDER = BASE_DIR / "var" / "locks"
CRON_FOLDER = BASE_DIR / "var" / "cron"  # what each job said last, should it not even have come to its log
CRONJOBS: list[Any] = [
    (times, "fabomatic.housekeeping.cron.run", [name], {}, f"> {shlex.quote(str(CRON_FOLDER / name))}.txt 2>&1")
    for name, times in SCHEDULE.items()
]
CRONTAB_COMMAND_PREFIX = "nice -n 19"  # readers go first
CRONTAB_PYTHON_EXECUTABLE = shlex.quote(sys.executable)
CRONTAB_DJANGO_MANAGE_PATH = str(BASE_DIR / "manage.py")
CRONTAB_DJANGO_SETTINGS_MODULE = "fabomatic.settings"
CRONTAB_COMMENT = f"fabomatic in {BASE_DIR}"  # two labs of one user leave each other's lines alone

# ---- imports: uploaded files wait here for an hour at most, and nobody but this user of the system reads them --------
IMPORT_FOLDER = BASE_DIR / "var" / "imports"

# ---- language and time -----------------------------------------------------------------------------------------------
LANGUAGES = [("en", "English"), ("it", "Italiano")]
LANGUAGE_CODE = _env.choice("LANGUAGE_CODE", "en", tuple(code for code, _ in LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
FORMAT_MODULE_PATH = ["fabomatic.formats"]


def _is_time_zone(name: str) -> bool:
    """Opens one file; a list of all time zones opens six hundred."""
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


TIME_ZONE = _env.text(
    "TIME_ZONE",
    "Europe/Rome",
    "A name like Europe/Rome.",
    _is_time_zone,
)

# ---- static files and log --------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "fabomatic.storage.StaticFiles"},
}
WORKER_LOG = _env.text("WORKER_LOG", "var/worker.log")
# Where the worker alone keeps its last lines for the system page; a check or another command has nothing to add.
# With DEBUG, names, addresses and whole card numbers may be in it.
LOG_LEVEL = _env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING"))
_keeps_log = bool(WORKER_LOG) and sys.argv[1:] == ["mqtt_worker"]
# What jobs did, of as much as the worker's; there is no console where cron or a timer starts them.
HOUSEKEEPING_LOG = "var/housekeeping.log"
_is_job = "--scheduled" in sys.argv[2:] or sys.argv[1:3] == ["crontab", "run"]
_kept_log = WORKER_LOG if _keeps_log else HOUSEKEEPING_LOG if _is_job else ""
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "fabomatic.discreet.Discreet", "format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console", *(["kept"] if _kept_log else [])], "level": LOG_LEVEL},
    # What paho has to say about lost connections telemetry/link.py says itself.
    "loggers": {"paho": {"level": "CRITICAL"}, "axes": {"level": "ERROR"}, "asyncio": {"level": "WARNING"}},
}
if _kept_log:
    LOGGING["handlers"]["kept"] = {
        "()": "fabomatic.logs.KeptLog",
        "path": str(BASE_DIR / _kept_log),
        "formatter": "line",
    }
