"""The list of members: what it says of each in words, how it is searched and narrowed, and what it costs."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from machines.models import Use
from members.models import Card, Member
from members.uids import from_decimal
from telemetry.admin.members import add_last_visits
from telemetry.models import Tap
from tests.conftest import NOW
from tests.staff import MEMBER_WORK, backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def listed(client: Client, **asked) -> list[str]:
    return [row.first_name for row in client.get(page(Member, "changelist"), asked).context["cl"].result_list]


def column(client: Client, member: Member, name: str) -> str:
    from django.contrib.admin.templatetags.admin_list import items_for_result

    changelist = client.get(page(Member, "changelist"), {"q": member.first_name}).context["cl"]
    row = next(row for row in changelist.result_list if row.pk == member.pk)
    cells = [str(cell) for cell in items_for_result(changelist, row, None)]
    return next(cell for cell in cells if f"field-{name}" in cell)


# ---- in words --------------------------------------------------------------------------------------------------------


def test_whether_somebody_is_active_is_said_in_words(boss, ada, enzo):
    assert ">active<" in column(boss, ada, "state")
    assert "disabled since 10 Mar 2026" in column(boss, enzo, "state")


def test_how_long_a_membership_lasts_is_said_in_words(boss, ada, gino, make_member):
    assert ">unlimited<" in column(boss, ada, "validity")
    assert "ended 9 Mar 2026" in column(boss, gino, "validity")
    assert "valid until 10 Mar 2026" in column(boss, make_member("Last day", valid_until=NOW.date()), "validity")


def test_lost_cards_are_marked(boss, ada, flora):
    assert "<del><code>f10a0001</code></del>" in column(boss, flora, "card_numbers")
    assert "lost" in column(boss, flora, "card_numbers")
    assert "lost" not in column(boss, ada, "card_numbers")


def test_the_last_visit_is_the_latest_tap_or_use(boss, ada, bruno, hugo, laser, make_use):
    Tap.objects.create(at=NOW - timedelta(days=5), machine=laser, uid=ada.uid, member=ada, outcome="granted")
    make_use(laser, member=ada, hours_ago=24 * 2)
    make_use(laser, member=ada, hours_ago=24 * 30)
    make_use(laser, member=bruno, hours_ago=24 * 7)
    Tap.objects.create(at=NOW - timedelta(days=1), machine=laser, uid=bruno.uid, member=bruno, outcome="granted")
    assert "8 Mar 2026" in column(boss, ada, "last_visit")
    assert "9 Mar 2026" in column(boss, bruno, "last_visit")
    assert "–" in column(boss, hugo, "last_visit")


def test_the_day_of_a_visit_is_the_labs(boss, ada, laser):
    late = NOW.replace(hour=23, minute=30) - timedelta(days=2)
    Tap.objects.create(at=late, machine=laser, uid=ada.uid, member=ada, outcome="granted")
    assert "9 Mar 2026" in column(boss, ada, "last_visit")


def test_the_list_speaks_italian(boss, everybody):
    boss.cookies["django_language"] = "it"
    assert boss.get(page(Member, "changelist")).status_code == 200


# ---- found -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "term", ["ada", "LOVELACE", "ada lovelace", "lovelace ada", "ada@example", "0A:1B:2C:3D", "0a 1b", "0169552957"]
)
def test_somebody_is_found_by_name_mail_or_card(boss, everybody, term):
    assert listed(boss, q=term) == ["Ada"]


def test_a_decimal_number_is_read_in_either_order_of_its_bytes():
    assert from_decimal("0169552957") == {"0a1b2c3d", "3d2c1b0a"}
    assert from_decimal("1026300682") == {"0a1b2c3d", "3d2c1b0a"}


@pytest.mark.parametrize("text", ["", "1234567", "4294967296", "12345678901", "0a1b2c3d", "²²²²²²²²", "-12345678"])
def test_what_is_no_number_of_four_bytes_is_not_read_so(text):
    assert from_decimal(text) == set()


# ---- narrowed --------------------------------------------------------------------------------------------------------


@pytest.fixture
def soon(make_member) -> Member:
    make_member("Later", valid_until=NOW.date() + timedelta(days=31))
    return make_member("Soon", valid_until=NOW.date() + timedelta(days=30))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"state": "disabled"}, {"Enzo"}),
        ({"membership": "ended"}, {"Gino"}),
        ({"membership": "soon"}, {"Soon"}),
        ({"cards": "none"}, {"Soon", "Later"}),
        ({"cards": "lost"}, {"Flora"}),
        ({"cards": "lost", "state": "disabled"}, set()),
        ({"is_superuser__exact": "1"}, {"Dora"}),
    ],
)
def test_the_list_is_narrowed_to_those_who_need_something(boss, everybody, soon, asked, names):
    assert set(listed(boss, **asked)) == names


def test_active_and_valid_are_all_the_others(boss, everybody, soon):
    everyone = set(listed(boss))
    assert everyone - set(listed(boss, state="active")) == {"Enzo"}
    assert everyone - set(listed(boss, membership="valid")) == {"Gino"}


def test_the_list_is_narrowed_by_role(boss, everybody, roles):
    assert listed(boss, role__id__exact=roles.staff.pk) == ["Carla"]


def test_two_lost_cards_are_one_member(boss, flora):
    Card.objects.create(uid="aabbccdd", member=flora, is_lost=True)
    assert listed(boss, cards="lost") == ["Flora"]


# ---- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_superuser", [True, False])
def test_a_full_page_takes_less_than_ten_queries(
    boss, make_member, roles, laser, is_superuser, django_assert_max_num_queries
):
    role = backend_role("Front desk", *MEMBER_WORK)
    client = boss if is_superuser else client_of(make_member("Ines", role=role))
    for number in range(60):
        member = make_member(f"M{number:02}", f"aaaa{number:04x}", valid_until=date(2027, 1, 1))
        Tap.objects.create(at=NOW, machine=laser, uid=member.uid, member=member, outcome="granted")
        Use.objects.create(machine=laser, member=member, started_at=NOW - timedelta(hours=2), ended_at=NOW)
    with django_assert_max_num_queries(9):
        response = client.get(page(Member, "changelist"))
    assert len(response.context["cl"].result_list) == 50


def test_the_last_visits_are_read_by_indexes_that_begin_with_the_member(ada):
    with CaptureQueriesContext(connection) as queries:
        add_last_visits([ada])
    assert len(queries) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + queries[0]["sql"])
            plan = [str(line[3]) for line in cursor.fetchall()]
        assert [line for line in plan if line.startswith("SCAN")] == []
        assert sum("member_id=?" in line for line in plan) >= 3


def test_a_late_visit_that_came_first_and_an_old_one_written_down_last_are_told_apart(ada, laser, make_use):
    make_use(laser, member=ada, card_uid=ada.uid, hours_ago=24)
    make_use(laser, member=ada, card_uid=ada.uid, hours_ago=24 * 9)
    make_use(laser, member=ada, hours_ago=24 * 30)
    add_last_visits([ada])
    assert ada.latest_visit == NOW - timedelta(hours=24)
