"""A desk without a broker: its line records, its time stands still until a test moves it."""

import json
from collections.abc import Callable
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, connection

from telemetry.desk import Desk
from telemetry.protocol import Topics
from tests.conftest import NOW

KEYS = {
    "checkuser": {"request_ok": bool, "is_valid": bool, "name": str, "level": int, "missing_auth": bool},
    "checkmachine": {
        "request_ok": bool,
        "is_valid": bool,
        "maintenance": bool,
        "allowed": bool,
        "name": str,
        "logoff": int,
        "type": int,
        "grace": int,
        "description": str,
    },
    "synccache": {"request_ok": bool, "cards": list},
    "startuse": {"request_ok": bool, "message": str},
    "inuse": {"request_ok": bool, "message": str},
    "stopuse": {"request_ok": bool, "message": str},
    "maintenance": {"request_ok": bool, "message": str},
}


class Time:
    """`step` passes at each look at the clock, so that a wait for a lock ends."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.step = 0.0

    def monotonic(self) -> float:
        self.seconds += self.step
        return self.seconds

    def clock(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 1000)

    def travel(self, seconds: float) -> None:
        self.seconds += seconds


class Lab:
    """What boards see of a desk: they ask, and read what comes back."""

    def __init__(self, packet_limit: int = 300) -> None:
        self.time = Time()
        self.published: list[tuple[str, bytes]] = []
        self.desk = Desk(self._publish, Topics(), packet_limit, clock=self.time.clock, monotonic=self.time.monotonic)

    def _publish(self, topic: str, payload: bytes) -> None:
        self.published.append((topic, payload))

    def replies(self, topic: str, payload: bytes, *, waited: float = 0.0) -> list[Any]:
        """All that is sent because of these bytes, which arrived `waited` seconds ago."""
        before = len(self.published)
        self.desk.handle_one(topic, payload, self.time.seconds - waited)
        sent = self.published[before:]
        assert all(reply_topic == f"{topic}/reply" for reply_topic, _payload in sent), sent
        return [json.loads(reply) for _topic, reply in sent]

    def ask(self, machine: Any, action: str, *, waited: float = 0.0, **fields: Any) -> Any:
        """The one reply, with all its keys and their types, or None."""
        topic = machine if isinstance(machine, str) else f"machine/{getattr(machine, 'pk', machine)}"
        replies = self.replies(topic, json.dumps({"action": action, **fields}).encode(), waited=waited)
        assert len(replies) <= 1, replies
        if not replies:
            return None
        assert {key: type(value) for key, value in replies[0].items()} == KEYS[action]
        return replies[0]

    def tap(self, machine: Any, uid: str, **fields: Any) -> Any:
        return self.ask(machine, "checkuser", uid=uid, **fields)

    def alive(self, machine: Any, serial: str | None = None, **fields: Any) -> None:
        given = {"version": "0.8.1,abc1234", "ip": "192.168.1.20", **({"serial": serial} if serial else {}), **fields}
        assert self.ask(machine, "alive", **given) is None

    def taps(self) -> list[Any]:
        """All taps in the order in which they were made, after they are written."""
        from telemetry.models import Tap

        self.desk.taps.write()
        return list(Tap.objects.order_by("at", "pk"))


class Locked(Exception):
    """What PostgreSQL's driver says; SQLite's says it in words."""

    sqlstate = "55P03"


@contextmanager
def database_fails(message: str = "disk I/O error", when: Callable[[str], bool] = lambda sql: True) -> Any:
    """Every statement fails, or those for which `when` is true; a test's own savepoints go on working."""

    def fail(execute, sql, params, many, context):
        if "SAVEPOINT" not in sql and when(sql):
            raise OperationalError(message) from (Locked() if "locked" in message else None)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        yield
