"""A wrong setting is a system check with a hint, never a traceback; and nothing secret is in it."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import environ
import pytest

from fabomatic.apps import keep_others_out
from fabomatic.checks import (
    broker_address_is_readable,
    secret_key_is_strong,
    settings_are_usable,
    topics_are_usable,
)
from telemetry.broker_address import BrokerAddress

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "DEBUG": False,
    "MQTT_URL": "mqtt://127.0.0.1:1883",
    "MQTT_CLIENT_ID": "backend",
    "MQTT_TOPIC": "machine",
    "MQTT_REPLY_SUBTOPIC": "/reply",
    "MQTT_REQUEST_SUBTOPIC": "/request",
    "MQTT_STATS_TOPIC": "stats",
    "BOARD_PACKET_LIMIT": 300,
    "LANGUAGE_CODE": "en",
    "TIME_ZONE": "Europe/Rome",
    "DASHBOARD_ACCESS": "login",
    "DASHBOARD_NAMES": "none",
    "RETENTION_DAYS": 365,
    "UNKNOWN_CARD_RETENTION_DAYS": 30,
    "BACKUP_FOLDER": ROOT / "var" / "backups",
    "SECRET_KEY": "",
}
NAMES = (
    *DEFAULTS,
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
    "SITE_URL",
)


@pytest.fixture
def load(monkeypatch):
    """The settings as they come out of an environment with nothing but what is given."""

    def run(**values):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(environ.Env, "read_env", lambda *args, **kwargs: None)
        return runpy.run_path(str(ROOT / "fabomatic" / "settings.py"))

    return run


# ---- reading the environment -----------------------------------------------------------------------------------------


def test_nothing_set_is_no_problem_but_the_secret(load):
    loaded = load()
    assert loaded["SETTINGS_PROBLEMS"] == []
    assert {name: loaded[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("DEBUG", "maybe"),
        ("DEBUG", ""),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://u:p@h/n"),
        ("DATABASE_URL", "oracle://u:p@h/n"),
        ("DATABASE_URL", "postgresql://u:p@h:port/n"),
        ("CSRF_TRUSTED_ORIGINS", "lab.example.org"),
        ("SITE_URL", "lab.example.org"),
        ("EMAIL_URL", "nonsense"),
        ("EMAIL_URL", "pigeon://u:p@h"),
        ("BOARD_PACKET_LIMIT", "199"),
        ("BOARD_PACKET_LIMIT", "65536"),
        ("BOARD_PACKET_LIMIT", "many"),
        ("BOARD_PACKET_LIMIT", "٣٠٠"),
        ("BOARD_PACKET_LIMIT", "300.0"),
        ("LANGUAGE_CODE", "klingon"),
        ("TIME_ZONE", "Rome"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("TIME_ZONE", "Europe"),
        ("TIME_ZONE", ""),
        ("DASHBOARD_ACCESS", "everybody"),
        ("DASHBOARD_NAMES", "yes"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "-1"),
        ("UNKNOWN_CARD_RETENTION_DAYS", "a month"),
        ("BACKUP_FOLDER", ""),
        ("BACKUP_FOLDER", " "),
    ],
)
def test_wrong_value_is_a_problem_with_a_hint_and_the_default_stands(load, name, wrong):
    loaded = load(**{name: wrong})
    (problem,) = loaded["SETTINGS_PROBLEMS"]
    assert (problem.name, bool(problem.hint)) == (name, True)
    assert loaded.get(name, DEFAULTS.get(name)) in (DEFAULTS.get(name), [], "http://127.0.0.1:8000")


def test_several_wrong_values_are_all_told(load):
    problems = load(DEBUG="maybe", TIME_ZONE="Rome", RETENTION_DAYS="x")["SETTINGS_PROBLEMS"]
    assert {problem.name for problem in problems} == {"DEBUG", "TIME_ZONE", "RETENTION_DAYS"}


def test_a_problem_never_repeats_the_value(load):
    problems = load(DATABASE_URL="mysql://root:secret@h/n", EMAIL_URL="pigeon://u:secret@h")["SETTINGS_PROBLEMS"]
    assert len(problems) == 2
    assert "secret" not in repr(problems)


@pytest.mark.parametrize("flag", ["True", "true", "1", "yes", "on"])
def test_flags_are_read_in_any_usual_form(load, flag):
    assert load(DEBUG=flag)["DEBUG"] is True


def test_relative_database_file_lies_beside_manage_py(load):
    assert load(DATABASE_URL="sqlite:///lab.sqlite3")["DATABASES"]["default"]["NAME"] == str(ROOT / "lab.sqlite3")


def test_absolute_database_file_stays_where_it_is(load):
    assert load(DATABASE_URL="sqlite:////srv/lab.sqlite3")["DATABASES"]["default"]["NAME"] == "/srv/lab.sqlite3"


def test_postgresql_is_read_the_same_way(load):
    database = load(DATABASE_URL="postgresql://fab:p%40ss@db.example.org:5433/lab")["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"], database["PORT"], database["NAME"]) == ("fab", "p@ss", 5433, "lab")


def test_site_on_https_keeps_cookies_to_it(load):
    loaded = load(SITE_URL="https://lab.example.org/")
    assert (loaded["SITE_URL"], loaded["SESSION_COOKIE_SECURE"]) == ("https://lab.example.org", True)


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_problem_becomes_an_error_with_its_hint(settings, load):
    settings.SETTINGS_PROBLEMS = load(TIME_ZONE="Rome")["SETTINGS_PROBLEMS"]
    (error,) = settings_are_usable()
    assert (error.id, "TIME_ZONE" in error.msg, "Europe/Rome" in error.hint) == ("fabomatic.E001", True, True)


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("", "E002"),
        ("short", "E003"),
        ("a" * 60, "E003"),
        ("django-insecure-" + "0123456789abcdefghijklmnopqrstuv", "E003"),
    ],
)
def test_weak_secret_is_refused_with_a_hint(settings, secret, code):
    settings.SECRET_KEY = secret
    (error,) = secret_key_is_strong()
    assert (error.id, bool(error.hint)) == (f"fabomatic.{code}", True)


def test_strong_secret_is_fine(settings):
    settings.SECRET_KEY = "kJ8s7dfQ2lPz0xYv4bNm6cRt1aWe3gHu5iOo9pLq"
    assert secret_key_is_strong() == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1",
        "127.0.0.1:1883",
        "http://127.0.0.1",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://u:secret@",
        "mqtt://u:secret@h:0",
        "mqtt://u:secret@h:65536",
        "mqtt://u:secret@h:port",
        "mqtt://u:secret@[::1",
    ],
)
def test_unreadable_broker_is_an_error_without_its_password(settings, url):
    settings.MQTT_URL = url
    (error,) = broker_address_is_readable()
    assert (error.id, bool(error.hint)) == ("fabomatic.E004", True)
    assert "secret" not in error.msg


def test_broker_without_user_is_a_warning(settings):
    settings.MQTT_URL = "mqtt://127.0.0.1"
    (warning,) = broker_address_is_readable()
    assert warning.id == "fabomatic.W001"


def test_complete_broker_is_fine(settings):
    settings.MQTT_URL = "mqtts://backend:p%40ss@broker.example.org"
    assert broker_address_is_readable() == []


def test_broker_address_is_read_from_its_url():
    address = BrokerAddress.from_url("mqtts://backend:p%40ss%2F@broker.example.org")
    assert (address.host, address.port, address.is_tls) == ("broker.example.org", 8883, True)
    assert (address.user, address.password) == ("backend", "p@ss/")
    assert "p@ss" not in f"{address} {address!r}"


@pytest.mark.parametrize("url", ["mqtt://[::1]:1884", "mqtt://[::1]:1884/"])
def test_broker_may_have_an_ip6_address(url):
    address = BrokerAddress.from_url(url)
    assert (address.host, address.port) == ("::1", 1884)


@pytest.mark.parametrize(
    "name", ["MQTT_TOPIC", "MQTT_REPLY_SUBTOPIC", "MQTT_REQUEST_SUBTOPIC", "MQTT_STATS_TOPIC", "MQTT_CLIENT_ID"]
)
@pytest.mark.parametrize("wrong", ["", "/a+b", "/a#", "/a\0", "/" + "a" * 40, "/è"], ids=ascii)
def test_unusable_topic_is_an_error_with_a_hint(settings, name, wrong):
    setattr(settings, name, wrong)
    (error,) = topics_are_usable()
    assert (error.id, name in error.msg, bool(error.hint)) == ("fabomatic.E005", True, True)


def test_replies_and_requests_on_one_topic_are_an_error(settings):
    settings.MQTT_REQUEST_SUBTOPIC = settings.MQTT_REPLY_SUBTOPIC
    assert [found.id for found in topics_are_usable()] == ["fabomatic.E007"]


def test_topics_that_leave_no_room_for_a_reply_are_an_error(settings):
    settings.BOARD_PACKET_LIMIT = 200
    settings.MQTT_TOPIC = "a" * 40
    settings.MQTT_REPLY_SUBTOPIC = "/" + "b" * 39
    assert [found.id for found in topics_are_usable()] == ["fabomatic.E008"]


@pytest.mark.parametrize("name", ["MQTT_REPLY_SUBTOPIC", "MQTT_REQUEST_SUBTOPIC"])
def test_subtopic_without_its_slash_is_an_error(settings, name):
    setattr(settings, name, "reply")
    (error,) = topics_are_usable()
    assert (error.id, bool(error.hint)) == ("fabomatic.E006", True)


def test_default_topics_are_fine():
    assert topics_are_usable() == []


# ---- what somebody sees ----------------------------------------------------------------------------------------------


def manage_check(**values):
    environment = {**os.environ, **values}
    return subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def test_check_says_everything_that_is_wrong_without_a_traceback():
    done = manage_check(SECRET_KEY="short", DATABASE_URL="mysql://u:secret@h/n", TIME_ZONE="Rome", MQTT_URL="x")
    assert done.returncode == 1
    for code in ("fabomatic.E001", "fabomatic.E003", "fabomatic.E004", "HINT"):
        assert code in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_mistyped_database_is_said_without_its_password():
    done = manage_check(DATABASE_URL="postgre://fabomatic:hunter2@127.0.0.1/lab")
    assert (done.returncode, "DATABASE_URL" in done.stderr) == (1, True)
    assert "hunter2" not in done.stdout + done.stderr


def test_missing_secret_is_said_without_a_traceback():
    done = manage_check(SECRET_KEY="")
    assert (done.returncode, "fabomatic.E002" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr


def test_postgresql_without_its_driver_is_a_problem_with_a_hint(load, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (problem,) = load(DATABASE_URL="postgresql://u:p@h/n")["SETTINGS_PROBLEMS"]
    assert (problem.name, "requirements-postgresql.txt" in problem.hint) == ("DATABASE_URL", True)


@pytest.mark.parametrize("name", ["{path}", "file:{path}?mode=rw"])
def test_a_database_file_is_not_for_everybody_to_read(tmp_path, name):
    path = tmp_path / "db.sqlite3"
    path.touch(mode=0o644)
    path.chmod(0o664)
    connection = SimpleNamespace(vendor="sqlite", settings_dict={"NAME": name.format(path=path)})
    keep_others_out(connection)
    assert oct(path.stat().st_mode)[-3:] == "660"
