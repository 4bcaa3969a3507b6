"""The same on PostgreSQL: the worker's connection stays, the tables under it are others."""

import pytest

from tests.broker import lab
from tests.broker.lab import ADA, BRUNO, LASER, PRINTER
from tests.broker.test_restore import restore
from tests.broker.test_worker_on_postgresql import BINARIES, cluster, database, worker  # noqa: F401
from tests.restoring import LabInAFolder

pytestmark = [
    *lab.needs_broker,
    pytest.mark.skipif(BINARIES is None, reason="PostgreSQL is not installed"),
]


def test_the_next_tap_is_answered_by_the_restored_database(worker, boards, database, broker, tmp_path):  # noqa: F811
    place = LabInAFolder(tmp_path, broker.url, DATABASE_URL=database.url)
    place.backup()
    for _time in range(10):  # by then the driver has prepared what it asks
        assert boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"] is True
        assert boards.ask(LASER, "stopuse", uid=ADA, duration=60)["request_ok"] is True
    with database.connection() as session:
        session.execute("UPDATE members_card SET is_lost = TRUE WHERE uid = %s", (BRUNO,))
    assert boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"] is False
    restore(place)
    assert boards.ask(PRINTER, "checkuser", uid=BRUNO)["is_valid"] is True
    assert boards.ask(LASER, "stopuse", uid=ADA, duration=60)["request_ok"] is True
    assert database.uses() == [(ADA, 60, "stop")]
    assert database.hours_add_up()
