"""Two workers for the same boards would answer twice, and every later answer would be one off."""

from tests.broker import lab
from tests.broker.lab import ADA, LASER, until

pytestmark = lab.needs_broker


def test_of_two_workers_with_names_of_their_own_one_answers_the_boards(worker, broker, boards, start_worker):
    other = start_worker(broker, MQTT_CLIENT_ID="backend2")
    until(lambda: worker.is_running + other.is_running == 1, seconds=10, what="both go on")
    gone = other if worker.is_running else worker
    assert gone.wait() != 0
    assert "two answers" in gone.log
    boards.wait_for_worker()
    assert boards.ask(LASER, "checkuser", uid=ADA)["is_valid"] is True
    assert boards.reply(LASER, 0.3) is None
