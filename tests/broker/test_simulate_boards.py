"""The command against a real Mosquitto, with a small backend that answers as told."""

import getpass
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

ROOT = Path(__file__).resolve().parents[2]
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
PASSWD = shutil.which("mosquitto_passwd")
pytestmark = [
    pytest.mark.broker,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
]
ADA, BRUNO = "0a0000ad", "0b000b70"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def mosquitto(folder, port, extra="allow_anonymous true\n"):
    configuration = folder / "mosquitto.conf"
    configuration.write_text(f"user {getpass.getuser()}\nlistener {port} 127.0.0.1\n{extra}")
    process = subprocess.Popen([MOSQUITTO, "-c", configuration], stderr=subprocess.DEVNULL)
    try:
        until_it_listens(port)
        yield
    finally:
        process.terminate()
        process.wait(10)


def until_it_listens(port):
    for _attempt in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("mosquitto does not listen")


@contextmanager
def backend(port, silent=(), padding=0):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    subscribed = threading.Event()
    client.heard = []

    def answer(client, _userdata, message):
        query = json.loads(message.payload)
        client.heard.append((message.topic, query))
        if query["action"] in ("alive", *silent):
            return
        client.publish(f"{message.topic}/reply", json.dumps(reply_to(query)).ljust(padding))

    client.on_message = answer
    client.on_connect = lambda client, *_more: client.subscribe("machine/+")
    client.on_subscribe = lambda *_more: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert subscribed.wait(5)
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def until_it_heard(client, action):
    for _attempt in range(200):
        if any(query["action"] == action for _topic, query in client.heard):
            return
        time.sleep(0.05)
    raise AssertionError(f"no {action} came")


def reply_to(query):
    if query["action"] == "checkuser":
        is_ada = query["uid"] == ADA
        return {"request_ok": True, "is_valid": is_ada, "name": "Ada", "level": int(is_ada), "missing_auth": False}
    if query["action"] == "checkmachine":
        return {"request_ok": True, "is_valid": True, "maintenance": False, "allowed": True, "logoff": 0}
    return {"request_ok": True, "message": ""}


def command(port, *options, user=""):
    # A database that cannot be opened: the boards need none.
    environment = {**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3", "LANGUAGE_CODE": "en"}
    url = f"mqtt://{user}127.0.0.1:{port}"
    return subprocess.Popen(
        [sys.executable, "manage.py", "simulate_boards", "--url", url, "--seed", "3", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(port, *options, user=""):
    process = command(port, *options, user=user)
    try:
        out, err = process.communicate(timeout=40)
    finally:
        process.kill()
    return process.returncode, out, err


def counts(out, action):
    """The row of the summary: sent, answered, unanswered, lost, late, over-long, replayed."""
    row = re.search(rf"^{action} +(.+)$", out, re.MULTILINE)
    assert row, out
    return [int(number) for number in row[1].split()[:7]]


LIVELY = ("--speed", "600", "--between", "5", "--use", "5", "--cards-list", f"{ADA},{BRUNO}")


def test_boards_talk_and_every_answer_is_counted(tmp_path):
    port = free_port()
    with mosquitto(tmp_path, port), backend(port) as client:
        code, out, err = run(port, "--boards", "4", "--duration", "3", *LIVELY)
    assert (code, err) == (0, "")
    assert "let in (level 1)" in out
    sent, answered, unanswered, lost, late, over_long, _replayed = counts(out, "all")
    alive = counts(out, "alive")[0]
    assert sent == answered + alive
    assert (unanswered, lost, late, over_long) == (0, 0, 0, 0)
    assert {topic for topic, _query in client.heard} == {f"machine/{number}" for number in range(1, 5)}


def test_a_backend_silent_about_starts_hears_them_again_and_nothing_newer(tmp_path):
    port = free_port()
    with mosquitto(tmp_path, port), backend(port, silent=["startuse"]) as client:
        _code, out, _err = run(port, "--machines", "007", "--duration", "9", *LIVELY)
    starts = [query for topic, query in client.heard if query["action"] == "startuse"]
    assert "replay" not in starts[0]
    assert all(query["replay"] for query in starts[1:])
    assert counts(out, "startuse")[2] >= 2
    assert client.heard[0][0] == "machine/007"


def test_answers_too_long_for_a_board_are_counted(tmp_path):
    port = free_port()
    with mosquitto(tmp_path, port), backend(port, padding=300):
        _code, out, _err = run(port, "--boards", "1", "--duration", "2", *LIVELY)
    assert counts(out, "checkmachine")[5] >= 1


def test_boards_come_back_after_a_power_cut(tmp_path):
    port = free_port()
    with mosquitto(tmp_path, port), backend(port):
        code, out, _err = run(port, "--boards", "2", "--duration", "7", "--power-cuts", "2", *LIVELY)
    assert code == 0
    assert "Connections: 4, power cuts: 2" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_summary(tmp_path, number):
    port = free_port()
    with mosquitto(tmp_path, port), backend(port) as client:
        process = command(port, "--boards", "2", *LIVELY)
        until_it_heard(client, "checkmachine")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert counts(out, "checkmachine")[0] > 0


def test_a_missing_broker_is_waited_for(tmp_path):
    port = free_port()
    process = command(port, "--boards", "2", "--duration", "7", *LIVELY)
    lines = [process.stdout.readline() for _line in range(2)]
    with mosquitto(tmp_path, port), backend(port):
        out = process.stdout.read()  # to its end; `communicate` would not know what was read ahead with the lines
        process.wait(10)
    assert "No broker answers" in lines[1]
    assert "The broker is there." in out
    assert process.returncode == 0
    assert counts(out, "checkmachine")[1] > 0


@pytest.mark.skipif(PASSWD is None, reason="mosquitto_passwd is not installed")
def test_a_wrong_password_is_one_sentence_and_a_failure(tmp_path):
    port = free_port()
    passwords = tmp_path / "passwords"
    subprocess.run([PASSWD, "-b", "-c", passwords, "board", "right"], check=True)
    passwords.chmod(0o644)
    with mosquitto(tmp_path, port, f"allow_anonymous false\npassword_file {passwords}\n"):
        code, out, err = run(port, "--boards", "2", user="board:wrong@")
    assert code == 1
    assert err.strip() == f"CommandError: The broker at 127.0.0.1:{port} refuses user board: wrong name or password."
    assert "wrong@" not in out
