"""A board's life with Mosquitto's own clients, which share no code with us: what protocol.md says, byte for byte."""

import json
import shutil
import subprocess
import time

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, CARLA, HOST, until

PUB, SUB = shutil.which("mosquitto_pub"), shutil.which("mosquitto_sub")
pytestmark = [
    *lab.needs_broker,
    pytest.mark.skipif(not (PUB and SUB), reason="mosquitto_pub and mosquitto_sub are not installed"),
]


class Board:
    """As configured with number 007: it says what it says as bytes, and reads lines."""

    def __init__(self, broker, out):
        self._broker, self._out = broker, out
        self._where = ["-h", HOST, "-p", str(broker.port)]
        self._read = 0

    def __enter__(self):
        command = [SUB, *self._where, "-v", "-t", "machine/007/reply", "-t", "machine/007/request"]
        with self._out.open("wb") as out:
            self._ear = subprocess.Popen(command, stdout=out)
        return self

    def __exit__(self, *error):
        self._ear.terminate()
        self._ear.wait(5)

    def say(self, payload):
        subprocess.run([PUB, *self._where, "-t", "machine/007", "-m", payload], check=True)

    def ask(self, payload):
        """The raw line of the one answer within two seconds."""
        self.say(payload)
        (line,) = until(self.lines, seconds=2, what=f"no answer to {payload}")
        topic, _blank, reply = line.partition(" ")
        assert topic == "machine/007/reply"
        assert len(topic) + len(reply) + 5 <= 300
        return reply

    def lines(self):
        """What came since the last look."""
        found = self._out.read_text().splitlines()[self._read :]
        self._read += len(found)
        return found

    def hears_nothing(self, seconds=0.3):
        time.sleep(seconds)
        return self.lines() == []


@pytest.fixture
def board(worker, broker, tmp_path):
    with Board(broker, tmp_path / "heard.txt") as board:
        until(lambda: _is_listening(board))
        yield board


def _is_listening(board):
    board.say('{"action":"checkmachine"}')
    time.sleep(0.1)
    return board.lines()


def test_a_boards_life(board, worker, start_worker, broker, database, boards):
    # It connects and says who it is, which nobody answers.
    board.say('{"action":"alive","version":"1700000000,0.8.1","ip":"10.0.0.7","serial":"A1B2","heap":"123456"}')
    assert board.hears_nothing()

    # How is my machine?
    machine = json.loads(board.ask('{"action":"checkmachine"}'))
    assert list(machine) == [
        *("request_ok", "is_valid", "maintenance", "allowed", "name", "logoff", "type", "grace", "description"),
    ]
    assert machine["name"] == "Laser"
    type_id = database.value("SELECT type_id FROM machines_machine WHERE id = 7")
    assert (machine["logoff"], machine["grace"], machine["type"]) == (60, 2, type_id)
    assert (machine["is_valid"], machine["allowed"], machine["maintenance"]) == (True, True, False)

    # Bruno is told no, Ada comes in.
    assert json.loads(board.ask(f'{{ "uid": "{BRUNO}", "action": "checkuser" }}')) == {
        "request_ok": True,
        "is_valid": False,
        "name": "Bruno Munari",
        "level": 0,
        "missing_auth": True,
    }
    assert board.ask(f'{{"action":"checkuser","uid":"{ADA}"}}') == (
        '{"request_ok":true,"is_valid":true,"name":"Ada Lovelace","level":1,"missing_auth":false}'
    )
    assert board.ask(f'{{"action":"startuse","uid":"{ADA}"}}') == '{"request_ok":true,"message":""}'
    assert board.ask(f'{{"action":"inuse","uid":"{ADA}","duration":30}}') == '{"request_ok":true,"message":""}'

    # She cuts for an hour and four seconds; after that the lens wants cleaning, and Carla cleans it.
    assert board.ask(f'{{"action":"stopuse","uid":"{ADA}","duration":3604}}') == '{"request_ok":true,"message":""}'
    machine = json.loads(board.ask('{"action":"checkmachine"}'))
    assert (machine["maintenance"], machine["description"]) == (True, "Clean lens")
    assert json.loads(board.ask(f'{{"action":"maintenance","uid":"{ADA}"}}'))["request_ok"] is False
    assert board.ask(f'{{"action":"maintenance","uid":"{CARLA}"}}') == '{"request_ok":true,"message":""}'
    assert json.loads(board.ask('{"action":"checkmachine"}'))["maintenance"] is False

    # The backend is away: what happens then stays at the board, which has lost its power too, and comes twice.
    worker.kill()
    board.say(f'{{"action":"startuse","uid":"{CARLA}"}}')
    assert board.hears_nothing()
    start_worker(broker)
    boards.wait_for_worker()
    for _time in range(2):
        board.ask(f'{{"action":"startuse","uid":"{CARLA}","replay":true}}')
    for _time in range(2):
        board.ask(f'{{"action":"stopuse","uid":"{CARLA}","duration":125,"replay":true}}')
    assert database.uses() == [(ADA, 3604, "stop"), (CARLA, 125, "stop")]
    assert database.odometer() == 3604 + 125
    assert database.hours_add_up()

    # What it remembers for the next time without us, staff first; what it sends by mistake harms nobody.
    cards = json.loads(board.ask('{"action":"synccache"}'))
    assert cards == {"request_ok": True, "cards": [{"uid": CARLA, "level": 2}, {"uid": ADA, "level": 1}]}
    board.say("rubbish")
    assert board.hears_nothing()
    assert json.loads(board.ask('{"action":"checkuser","uid":"00000000"}'))["is_valid"] is False
