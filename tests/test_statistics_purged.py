"""Weeks whose names were purged: the hours are there, and nobody is told that nobody came."""

from datetime import timedelta

import pytest
import time_machine

from machines.models import Use

pytestmark = pytest.mark.django_db
GONE = "Old uses have lost their names"


def shown(client, dora, now):
    client.force_login(dora)
    with time_machine.travel(now, tick=False):
        return client.get("/statistics/").content.decode()


def use(laser, now, member):
    start = now - timedelta(days=10)
    Use.objects.create(
        machine=laser,
        member=member,
        started_at=start,
        ended_at=start + timedelta(hours=1),
        last_seen_at=start + timedelta(hours=1),
        duration=3600,
    )


def test_purged_weeks_do_not_say_that_nobody_came(client, dora, laser, now):
    use(laser, now, None)
    page = shown(client, dora, now)
    assert GONE in page
    assert "No member used a machine" not in page


def test_weeks_with_names_need_no_such_remark(client, dora, ada, laser, now):
    use(laser, now, ada)
    assert GONE not in shown(client, dora, now)
