"""Filters that are forms: days, people, machines; for uses, which have all of them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from machines.models import Use
from members.models import Card, Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def found(client: Client, **asked) -> list[Use]:
    response = client.get(page(Use, "changelist"), asked)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def shown(client: Client, **asked) -> str:
    return client.get(page(Use, "changelist"), asked).content.decode()


# ---- days ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def days(laser, make_use):
    """Uses by the hours that have passed since: NOW is the 10th of March, one o'clock in Rome."""
    hours = [2, 14, 6 * 24, 7 * 24, 9 * 24, 10 * 24, 29 * 24, 30 * 24, 37 * 24, 38 * 24]
    return {make_use(laser, 60, hours_ago=ago): ago for ago in hours}


@pytest.mark.parametrize(
    ("span", "hours"),
    [
        ("today", [2]),
        ("7-days", [2, 14, 6 * 24]),
        ("30-days", [2, 14, 6 * 24, 7 * 24, 9 * 24, 10 * 24, 29 * 24]),
        ("month", [2, 14, 6 * 24, 7 * 24, 9 * 24]),
        ("last-month", [10 * 24, 29 * 24, 30 * 24, 37 * 24]),
    ],
)
def test_a_span_holds_whole_days_of_the_lab(boss, days, span, hours):
    assert [days[use] for use in found(boss, started_at__span=span)] == hours


def test_midnight_is_the_labs(boss, laser, make_use):
    just_after = make_use(laser, 60, hours_ago=12.9)  # 0:06 in Rome, 23:06 in UTC
    make_use(laser, 60, hours_ago=13.1)
    assert found(boss, started_at__span="today") == [just_after]


def test_days_are_chosen_freely(boss, days):
    asked = {"started_at__from": "2026-03-01", "started_at__to": "2026-03-03"}
    assert [days[use] for use in found(boss, **asked)] == [7 * 24, 9 * 24]


def test_one_end_is_enough(boss, days):
    assert [days[use] for use in found(boss, started_at__from="2026-03-09")] == [2, 14]
    assert [days[use] for use in found(boss, started_at__to="2026-02-01")] == [37 * 24, 38 * 24]


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-03-05", "2026-03-01", "The first day comes after the last one."),
        ("5.3.2026", "", "“5.3.2026” is no day."),
        ("0001-01-01", "", "“0001-01-01” is no day."),
        ("", "9999-12-31", "“9999-12-31” is no day."),
    ],
)
def test_what_is_no_span_is_told_and_finds_nothing(boss, days, first, last, sentence):
    asked = {"started_at__from": first, "started_at__to": last}
    assert found(boss, **asked) == []
    assert sentence in shown(boss, **asked)


def test_an_empty_form_finds_all(boss, days):
    asked = {"started_at__from": "", "started_at__to": "", "member__like": "", "machine__id__exact": ""}
    assert len(found(boss, **asked)) == len(days)


def test_the_form_keeps_what_the_other_filters_say(boss, days, laser):
    text = shown(boss, machine__id__exact=laser.pk, started_at__span="month", q="laser")
    assert f'<input type="hidden" name="machine__id__exact" value="{laser.pk}">' in text
    assert '<input type="hidden" name="q" value="laser">' in text


# ---- people ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_use_each(ada, bruno, laser, make_use):
    for member in (ada, bruno):
        make_use(laser, member=member, card_uid=member.uid)


@pytest.mark.parametrize("text", ["lovel", "ADA love", "ada@example", "0A:1B:2C:3D", "0a1b"])
def test_somebody_is_found_by_name_e_mail_or_card(boss, one_use_each, ada, text):
    assert [use.member for use in found(boss, member__like=text)] == [ada]


def test_a_card_finds_its_member_also_in_uses_of_their_other_card(boss, one_use_each, ada):
    Card.objects.create(uid="77777777", member=ada)
    assert [use.card_uid for use in found(boss, member__like="77777777")] == [ada.uid]


def test_nobody_called_that_finds_nothing_and_says_so(boss, one_use_each):
    assert found(boss, member__like="Zoë") == []
    assert "Nobody is called that." in shown(boss, member__like="Zoë")


def test_several_of_that_name_are_offered_one_by_one(boss, one_use_each, ada, bruno):
    Member.objects.filter(pk=bruno.pk).update(last_name="Lovelace")
    text = shown(boss, member__like="lovelace")
    assert f"?member__id__exact={ada.pk}" in text
    assert f"?member__id__exact={bruno.pk}" in text
    assert found(boss, member__id__exact=bruno.pk)[0].member == bruno


def test_many_of_that_name_are_counted(boss, roles, laser):
    Member.objects.bulk_create([Member(first_name=f"Ugo {n}", role=roles.members) for n in range(30)])
    assert "and 22 more" in shown(boss, member__like="ugo")


def test_what_is_no_number_of_anybody_is_no_error(boss, one_use_each):
    response = boss.get(page(Use, "changelist"), {"member__id__exact": "x'"})
    assert response.status_code == 302
    assert found(boss, member__like="\0") == found(boss)


def test_a_name_is_never_markup(boss, laser, ada):
    Member.objects.filter(pk=ada.pk).update(first_name="<b>Ada")
    text = shown(boss, member__like="<b>")
    assert "<b>Ada" not in text
    assert "&lt;b&gt;Ada" in text


def test_who_may_not_see_members_cannot_filter_by_them(make_member, one_use_each, ada):
    clerk = client_of(make_member("Fred", role=backend_role("Hours", "view_use")))
    text = shown(clerk)
    assert "member__like" not in text
    assert "Lovelace" not in text
    for asked in ({"member__like": "ada"}, {"member__id__exact": ada.pk}, {"member__first_name__startswith": "A"}):
        response = clerk.get(page(Use, "changelist"), asked)
        assert response.status_code in (302, 400), asked


# ---- machines --------------------------------------------------------------------------------------------------------


def test_a_machine_is_picked_from_a_list(boss, laser, printer, make_use):
    make_use(laser)
    wanted = make_use(printer)
    assert found(boss, machine__id__exact=printer.pk) == [wanted]
    assert f'<option value="{printer.pk}" selected>' in shown(boss, machine__id__exact=printer.pk)


def test_the_filters_are_there_in_italian(boss, days, dora):
    Member.objects.filter(pk=dora.pk).update(language="it")
    assert found(boss, started_at__span="month")


def test_filters_cost_no_more_queries_than_a_list_may(boss, days, django_assert_max_num_queries):
    asked = {"member__like": "a", "started_at__span": "month", "machine__id__exact": "7"}
    with django_assert_max_num_queries(9):
        boss.get(page(Use, "changelist"), asked)


def test_days_are_those_of_the_reader_nowhere(boss, laser, make_use):
    """The span follows the lab's clock, whatever zone is active for whoever asks."""
    just_after = make_use(laser, 60, hours_ago=12.9)
    with timezone.override("Pacific/Auckland"):
        assert found(boss, started_at__from="2026-03-10", started_at__to="2026-03-10") == [just_after]
    assert just_after.started_at + timedelta(hours=12.9) == NOW
