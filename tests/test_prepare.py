import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing

import pytest

from deploy.environment import BASE_DIR, demo_environment


@pytest.fixture
def demo(tmp_path):
    return demo_environment(os.environ, tmp_path, 8001, 1)


def prepare(environment, *arguments):
    command = [sys.executable, "-m", "deploy.prepare", *arguments]
    return subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_first_start_makes_database_and_administrator(demo, tmp_path):
    first, second = prepare(demo), prepare(demo)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "First administrator: admin@lab.invalid, password " in first.stdout
    assert second.stdout == ""
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
        assert database.execute("SELECT email FROM members_member").fetchall() == [("admin@lab.invalid",)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is missing"),
        ("DEBUG", "perhaps", "DEBUG has a value that cannot be used"),
        ("MQTT_URL", "http://broker", "MQTT_URL cannot be used"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.sqlite3", "DATABASE_URL"),
        ("DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none", "DATABASE_URL"),
    ],
)
def test_what_is_wrong_is_a_sentence(demo, name, value, sentence):
    outcome = prepare({**demo, name: value})

    assert outcome.returncode == 1
    assert sentence in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.mark.broker
def test_demo_shows_its_lab_and_ends_with_0():
    """As people start it, with broker, worker, web server and simulated boards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "deploy.run", "--demo", "--port", str(port)]
    demo = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = []
        for line in demo.stdout:
            said.append(line)
            if "Boards   broker" in line:
                break
        if any("already running" in line for line in said):
            pytest.skip("somebody else runs the demo here")
        assert "Boards   broker" in said[-1], "".join(said)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=20)
        assert demo.returncode == 0, "".join(said) + rest
        assert "Laser Big" in page
    finally:
        demo.kill()
        demo.communicate()
