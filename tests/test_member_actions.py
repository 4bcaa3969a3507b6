"""Disabling, enabling, lost cards and invitations, for many members at once or for one from their page."""

import pytest
from django.test import Client

from members.changes import sentences
from members.models import Card, Change, Member
from tests.conftest import NOW
from tests.member_desk import LIST, act, as_stored, told
from tests.staff import client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def noted(member: Member) -> list[str]:
    return [
        sentence
        for change in Change.objects.filter(object_id=str(member.pk), content_type__model="member")
        for sentence in sentences(change, sees_people=True)
    ]


def is_active(member: Member) -> bool:
    return as_stored(member)["is_active"]


# ---- disabling and enabling ------------------------------------------------------------------------------------------


def test_disabling_asks_first_and_names_everybody(boss, ada, bruno):
    response = act(boss, "disable", ada, bruno)
    assert response.status_code == 200
    text = response.content.decode()
    assert "Ada Lovelace" in text
    assert "Bruno Munari" in text
    assert is_active(ada)


def test_who_was_asked_disables(boss, ada, bruno, hugo):
    act(boss, "disable", ada, bruno, sure="yes")
    assert told(boss) == ["2 members were disabled."]
    assert [is_active(member) for member in (ada, bruno, hugo)] == [False, False, True]
    assert as_stored(ada)["deactivated_at"] is not None
    assert noted(ada) == ["Active: yes → no"]
    assert Change.objects.filter(member=None).count() == 0


def test_who_is_disabled_already_is_left_out_and_keeps_the_time(boss, ada, enzo):
    before = as_stored(enzo)
    act(boss, "disable", ada, enzo, sure="yes")
    assert told(boss) == ["1 member was disabled.", "Left out: Enzo: disabled already."]
    assert as_stored(enzo) == before
    assert noted(enzo) == []


def test_enabling_needs_no_question(boss, enzo, ada):
    act(boss, "enable", enzo, ada)
    assert told(boss) == ["1 member is active again.", "Left out: Ada Lovelace: active already."]
    assert as_stored(enzo)["deactivated_at"] is None
    assert noted(enzo) == ["Active: no → yes"]


def test_a_disabled_administrator_is_out_at_once(boss, make_member, roles):
    other = make_member("Oscar", role=roles.administrators, email="oscar@example.org")
    oscar = client_of(other)
    assert oscar.get("/admin/").status_code == 200
    act(boss, "disable", other, sure="yes")
    assert oscar.get("/admin/").status_code == 302


def test_whom_many_names_would_bury_the_message_are_counted(boss, make_member):
    many = [make_member(f"M{number:02}", is_active=False) for number in range(13)]
    act(boss, "disable", *many)
    act(boss, "disable", *many, sure="yes")
    assert "and 3 more: disabled already" in told(boss)[-1]


def test_an_accident_with_the_whole_lab_is_refused(boss, make_member):
    Member.objects.bulk_create(
        Member(first_name=f"M{number}", role=make_member("First").role, created_at=NOW) for number in range(200)
    )
    everybody = list(Member.objects.exclude(first_name="Dora"))
    for action in ("disable", "delete_selected"):
        act(boss, action, *everybody, sure="yes", post="yes")
        assert told(boss) == ["Select at most 200 members at a time."]
    assert not Member.objects.filter(is_active=False).exists()
    assert Member.objects.count() == len(everybody) + 1


def test_a_large_selection_costs_no_query_for_each_to_find_out_who_may(
    desk_client, make_member, django_assert_num_queries
):
    few = [make_member(f"F{number}", is_active=False) for number in range(2)]
    many = [make_member(f"M{number}", is_active=False) for number in range(40)]
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        act(desk_client, "disable", *few)
    with django_assert_num_queries(len(queries)):
        act(desk_client, "disable", *many)


@pytest.fixture
def desk_client(make_member) -> Client:
    from tests.staff import MEMBER_WORK, backend_role

    return client_of(make_member("Ines", role=backend_role("Front desk", *MEMBER_WORK), email="ines@example.org"))


def test_a_filtered_list_stays_filtered_while_one_acts(boss, ada):
    from django.urls import reverse

    url = f"{reverse(LIST)}?state=active"
    response = boss.post(url, {"action": "disable", "_selected_action": [ada.pk], "sure": "yes"})
    assert response.url == url


# ---- lost cards ------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(ada) -> Card:
    return Card.objects.create(uid="aabbccdd", member=ada, label="keyring")


def test_one_card_is_ticked_and_two_are_asked_about(boss, ada, second, bruno):
    text = act(boss, "report_lost", ada, bruno).content.decode()
    assert text.count('type="checkbox" name="card"') == 3
    assert text.count("checked") == 1
    assert f'value="{bruno.cards.get().pk}" checked' in text
    assert "keyring" in text


def test_the_chosen_card_is_lost_and_the_other_goes_on(boss, ada, second):
    act(boss, "report_lost", ada, sure="yes", card=second.pk)
    assert told(boss) == ["1 card is lost now."]
    assert list(Card.objects.filter(is_lost=True)) == [second]
    assert noted(ada) == ["Card “aabbccdd (keyring)” changed", "Lost: no → yes"]


def test_choosing_none_is_said_and_asked_again(boss, ada, second):
    response = act(boss, "report_lost", ada, sure="yes")
    assert "Choose at least one card." in response.content.decode()
    assert not Card.objects.filter(is_lost=True).exists()


def test_who_has_no_card_to_lose_is_left_out(boss, flora, make_member):
    act(boss, "report_lost", flora, make_member("Nora"))
    assert told(boss) == ["Left out: Flora, Nora: no card that is not lost already."]


def test_a_lost_card_is_refused_at_the_next_tap(boss, ada, laser):
    from machines.access import Outcome, decide

    act(boss, "report_lost", ada, sure="yes", card=ada.cards.get().pk)
    assert decide(laser.pk, ada.uid, NOW).outcome is Outcome.LOST_CARD


# ---- invitations -----------------------------------------------------------------------------------------------------


def test_an_invitation_asks_first_and_shows_the_addresses(boss, ada, mailoutbox):
    text = act(boss, "invite", ada).content.decode()
    assert "ada@example.org" in text
    assert mailoutbox == []


def test_who_cannot_be_invited_is_said_with_the_reason_and_the_others_are(boss, ada, bruno, enzo, mailoutbox):
    act(boss, "invite", ada, bruno, enzo, sure="yes")
    sentences_told = told(boss)
    assert sentences_told[-1] == "1 invitation was sent."
    assert "Bruno Munari has no e-mail address." in sentences_told
    assert [letter.to for letter in mailoutbox] == [["ada@example.org"]]
    assert noted(ada) == ["Sent an invitation."]
    assert noted(bruno) == []


def test_not_many_are_invited_at_a_time_because_somebody_waits(boss, make_member, mailoutbox):
    many = [make_member(f"M{number}", email=f"m{number}@example.org") for number in range(21)]
    act(boss, "invite", *many, sure="yes")
    assert told(boss) == ["Select at most 20 members at a time."]
    assert mailoutbox == []


# ---- from a member's page --------------------------------------------------------------------------------------------


def test_a_members_page_offers_what_fits_them(boss, ada, enzo, make_member):
    def offered(member: Member) -> set[str]:
        text = boss.get(page(Member, "change", member.pk)).content.decode()
        return {name for name in ("enable", "disable", "invite", "report_lost") if f'value="{name}"' in text}

    assert offered(ada) == {"disable", "invite", "report_lost"}
    assert offered(enzo) == {"enable", "report_lost"}
    assert offered(make_member("Nora")) == {"disable"}


@pytest.mark.parametrize("action", ["disable", "report_lost", "invite", "delete_selected"])
def test_every_question_is_asked_in_italian(boss, ada, action):
    boss.cookies["django_language"] = "it"
    assert act(boss, action, ada).status_code == 200
