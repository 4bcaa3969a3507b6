"""The worker's process and its broker: how it begins, what it survives, how it ends."""

import json
import signal
import time

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, CARLA, LASER, PRINTER, Boards, Client, until

pytestmark = lab.needs_broker


def test_a_tap_is_answered_through_a_broker(worker, boards):
    reply = boards.ask(LASER, "checkuser", uid=ADA)
    assert reply == {"request_ok": True, "is_valid": True, "name": "Ada Lovelace", "level": 1, "missing_auth": False}
    assert boards.reply(LASER, 0.2) is None


def test_statuses_are_retained_and_name_nobody(worker, boards, connect):
    boards.ask(LASER, "startuse", uid=ADA)
    screen = connect(Client, "fabomatic/status/+")
    until(lambda: screen.status(139) and (screen.status(LASER) or {}).get("state") == "in_use")
    late = connect(Client, "fabomatic/status/+")
    until(lambda: len([topic for topic, _payload, is_retained in late.heard if is_retained]) == 42)
    said = b" ".join(payload for _topic, payload, _retain in late.heard).lower()
    assert not any(word in said for word in (b"ada", b"lovelace", ADA.encode()))


def test_a_change_reaches_the_screens_within_a_second(worker, boards, connect):
    screen = connect(Client, "fabomatic/status/+")
    until(lambda: screen.status(LASER))
    boards.ask(LASER, "startuse", uid=ADA)
    until(lambda: screen.status(LASER)["state"] == "in_use", seconds=1)


def test_a_machine_deleted_without_a_word_is_cleared(worker, database, connect):
    screen = connect(Client, "fabomatic/status/+")
    until(lambda: screen.status(100))
    database.change("DELETE FROM machines_machine WHERE id = 100")
    until(lambda: screen.latest("fabomatic/status/100") == b"")


def test_a_machine_deleted_while_the_worker_was_away_is_cleared(worker, database, connect, start_worker, broker):
    screen = connect(Client, "fabomatic/status/+")
    until(lambda: screen.status(100))
    worker.kill()
    database.change("DELETE FROM machines_machine WHERE id = 100")
    start_worker(broker)
    until(lambda: screen.latest("fabomatic/status/100") == b"")


def test_statistics_have_the_references_keys(worker, boards, connect):
    listener = connect(Client, "stats/backend")
    boards.ask(LASER, "checkuser", uid=ADA)
    payload = until(lambda: listener.latest("stats/backend"), seconds=6)
    said = json.loads(payload)
    assert set(said) == {"Connected", "Backend host", "Backend IP", "Received", "Sent"}
    assert said["Connected"] is True
    assert said["Received"] >= said["Sent"] > 0
    assert said["Backend IP"] == "127.0.0.1"


def test_statistics_say_at_the_end_that_it_is_gone(worker, connect):
    listener = connect(Client, "stats/backend")
    worker.terminate()
    assert json.loads(until(lambda: listener.latest("stats/backend")))["Connected"] is False


def test_statistics_say_that_it_is_gone_also_when_it_could_not(worker, connect):
    listener = connect(Client, "stats/backend")
    worker.kill()
    assert json.loads(until(lambda: listener.latest("stats/backend"), seconds=10))["Connected"] is False


def test_a_retained_query_is_nobodys(broker, boards, connect, start_worker, database):
    careless = connect(Client)
    careless.publish(f"machine/{LASER}", json.dumps({"action": "startuse", "uid": ADA}), retain=True)
    start_worker(broker)
    boards.wait_for_worker()
    assert boards.unread(LASER) == 0
    assert database.uses() == []


def test_junk_from_the_network_harms_nobody(worker, boards):
    for topic in ("machine/7", "machine/abc", "machine/99999999999999999999999"):
        for payload in (b"", b"\xff\xfe", b"null", b"[" * 100_000, b"x" * 1_000_000, b"{}"):
            boards.publish(topic, payload)
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    assert "Traceback" not in worker.log


# ---- broker ----------------------------------------------------------------------------------------------------------


def test_a_broker_that_is_stopped_and_started_finds_the_worker_again(worker, broker, boards, connect):
    screen = connect(Client, "fabomatic/status/+")
    until(lambda: screen.status(LASER))
    broker.stop()
    screen.heard.clear()
    broker.start()
    boards.wait_for_new_subscription()
    boards.wait_for_worker()
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    until(lambda: screen.status(LASER), what="statuses are not published again")
    assert worker.is_running
    assert "Traceback" not in worker.log


def test_a_broker_that_goes_while_everybody_asks_takes_nothing_with_it(worker, broker, boards, database):
    for round in range(2):
        for number in range(40):
            boards.send(100 + number, "stopuse", uid=ADA, duration=60 + round)
        broker.stop()
        broker.start()
        boards.wait_for_new_subscription()
        boards.wait_for_worker()
    for number in range(40):
        while boards.unread(100 + number):
            boards.reply(100 + number)
        for round in range(2):
            assert boards.ask(100 + number, "stopuse", uid=ADA, duration=60 + round, replay=True)["request_ok"] is True
    assert worker.is_running
    assert "Traceback" not in worker.log
    assert database.hours_add_up()


def test_a_broker_may_come_later_than_the_worker(broker, start_worker, connect):
    broker.stop()
    worker = start_worker(broker)
    until(lambda: "cannot be reached" in worker.log)
    broker.start()
    connect(Boards).wait_for_worker()
    assert "Traceback" not in worker.log


@pytest.fixture
def guarded(tmp_path):
    if lab.PASSWORDS is None:
        pytest.skip("mosquitto_passwd is not installed")
    broker = lab.Broker(tmp_path, passwords={"backend": "right"}).start()
    yield broker
    broker.end()


def test_a_wrong_password_is_said_and_ends_it(guarded, start_worker):
    url = f"mqtt://backend:wrong-secret@127.0.0.1:{guarded.port}"
    worker = start_worker(guarded, url=url)
    assert worker.wait() != 0
    assert "refuses us" in worker.log
    assert "MQTT_URL" in worker.log
    assert "Traceback" not in worker.log
    assert "wrong-secret" not in worker.log


def test_the_right_password_is_let_in(guarded, start_worker, connect):
    start_worker(guarded, url=f"mqtt://backend:right@127.0.0.1:{guarded.port}")
    connect(Boards, to=guarded, user="backend", password="right").wait_for_worker()


# ---- two workers -----------------------------------------------------------------------------------------------------


def test_of_two_workers_with_one_name_one_ends_with_a_sentence(worker, broker, boards, start_worker):
    other = start_worker(broker)
    until(lambda: worker.is_running + other.is_running == 1, seconds=10, what="both go on")
    gone, left = (worker, other) if other.is_running else (other, worker)
    assert gone.wait() != 0
    assert "MQTT_CLIENT_ID" in gone.log
    assert "Traceback" not in gone.log
    boards.wait_for_worker()
    for _time in range(10):
        assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    assert left.is_running


def test_two_workers_with_names_of_their_own_let_each_other_live(worker, broker, start_worker, connect):
    listener = connect(Client, "stats/#")
    other = start_worker(broker, MQTT_CLIENT_ID="other", MQTT_TOPIC="elsewhere")
    until(lambda: listener.latest("stats/other"), seconds=8)
    assert worker.is_running
    assert other.is_running


def test_after_a_kill_the_next_worker_may_begin(worker, broker, boards, start_worker):
    worker.kill()
    other = start_worker(broker)
    boards.wait_for_worker()
    time.sleep(0.3)
    assert other.is_running


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_it_ends_in_order_under_load_and_forgets_no_tap(worker, boards, database):
    for number in range(40):
        boards.send(100 + number, "startuse", uid=ADA)
        boards.send(100 + number, "checkuser", uid=BRUNO)
    answered = [machine for machine in range(100, 140) if boards.reply(machine) and boards.reply(machine)]
    for number in range(40):
        boards.send(100 + number, "checkuser", uid=CARLA)
    until(lambda: boards.unread(139), every=0.001)
    code, seconds = worker.terminate()
    assert (code, seconds < 2.0) == (0, True)
    assert answered == list(range(100, 140))
    taps = database.taps()
    for machine in range(100, 140):
        assert (machine, BRUNO, "granted") in taps
        if boards.unread(machine):
            assert (machine, CARLA, "granted") in taps


def test_when_it_was_heard_is_written_at_the_end(worker, boards, database):
    boards.ask(LASER, "checkmachine")
    worker.terminate()
    assert database.value("SELECT last_seen_at FROM machines_machine WHERE id = 7") is not None


def test_it_ends_in_time_with_a_broker_that_is_gone(worker, broker):
    broker.stop()
    code, seconds = worker.terminate()
    assert (code, seconds < 2.0) == (0, True)


def test_it_ends_in_time_with_a_locked_database(worker, boards, database):
    with database.locked():
        boards.send(LASER, "startuse", uid=ADA)
        boards.send(PRINTER, "checkuser", uid=ADA)
        assert boards.reply(PRINTER)["is_valid"] is True
        code, seconds = worker.terminate()
    assert (code, seconds < 2.0) == (0, True)
    assert "Traceback" not in worker.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_ways_to_ask_for_an_end_are_heard(worker, number):
    worker.signal(number)
    assert worker.wait(2) == 0
    assert "Traceback" not in worker.log


# ---- a process that stands still -------------------------------------------------------------------------------------


def test_after_standing_still_no_stale_answer_leaves(worker, boards, database):
    worker.signal(signal.SIGSTOP)
    boards.send(LASER, "checkuser", uid=ADA)
    boards.send(PRINTER, "startuse", uid=ADA)
    time.sleep(3)
    worker.signal(signal.SIGCONT)
    until(lambda: database.uses(PRINTER), what="what happened is recorded also late")
    assert boards.reply(LASER, 0.5) is None
    assert boards.reply(PRINTER, 0.1) is None
    assert boards.ask(LASER, "checkuser", uid=BRUNO)["is_valid"] is False
    until(lambda: (LASER, ADA, "unanswered") in database.taps())
