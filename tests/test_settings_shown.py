"""What the system page tells of the settings: where each comes from, and never a secret."""

import os
from unittest import mock

import pytest

from fabomatic.environment import HIDDEN, Environment, Source, shown_value


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("SECRET_KEY", "abc", HIDDEN),
        ("BOARD_MQTT_PASSWORD", "abc", HIDDEN),
        ("SECRET_KEY", "", ""),
        ("MQTT_URL", "mqtt://user:pass@host:1883", f"mqtt://user:{HIDDEN}@host:1883"),
        ("MQTT_URL", "mqtt://host:1883", "mqtt://host:1883"),
        ("MQTT_URL", "mqtt://user@host", "mqtt://user@host"),
        ("EMAIL_URL", "smtp://u@lab.org:p/a@s?s#:@host:25/?tls=1", f"smtp://u@lab.org:{HIDDEN}@host:25/?{HIDDEN}"),
        ("MQTT_URL", " mqtt://user:pass@host", f"mqtt://user:{HIDDEN}@host"),
        ("MQTT_URL", "mqtt:user:pass@host", HIDDEN),
        ("MQTT_URL", "user:pass@host", HIDDEN),
        ("EMAIL_URL", "smtp://:pass@host", f"smtp://:{HIDDEN}@host"),
        ("DATABASE_URL", "postgresql://u:p@/name?password=pass", f"postgresql://u:{HIDDEN}@/name?{HIDDEN}"),
        ("DATABASE_URL", "sqlite:///db.sqlite3", "sqlite:///db.sqlite3"),
        ("SITE_URL", "https://lab.example.org", "https://lab.example.org"),
        ("TIME_ZONE", "Europe/Rome", "Europe/Rome"),
    ],
)
def test_secrets_are_not_shown(name, value, shown):
    assert shown_value(name, value) == shown


def test_each_setting_knows_where_it_comes_from(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("TOPIC=from-the-file\nBOTH=from-the-file\n")
    with mock.patch.dict(os.environ, {"BOTH": "from-outside"}):
        env = Environment(dotenv)
        values = [env.text(name, "from-nowhere") for name in ("TOPIC", "BOTH", "NEITHER")]
        assert values == ["from-the-file", "from-outside", "from-nowhere"]
        sources = [env.known[name].source for name in ("TOPIC", "BOTH", "NEITHER")]
    assert sources == [Source.DOTENV, Source.OUTSIDE, Source.DEFAULT]


def test_a_wrong_value_is_known_as_it_was_given(tmp_path):
    with mock.patch.dict(os.environ, {"DAYS": "many"}):
        env = Environment(tmp_path / "none")
        assert env.number("DAYS", 30, 1, 100) == 30
        assert env.known["DAYS"].value == "many"
