"""That somebody agreed, to what, and when: on the member's page, in the list, in files; and which mails they wish."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from members import agreements
from members.models import Agreement, Change, Member
from tests.conftest import NOW, UIDS
from tests.importing import csv_of, do_import, errors_in, preview, verdicts
from tests.member_desk import act, as_stored, told
from tests.staff import backend_role, client_of, errors_of, filled_in, page, save
from tests.test_member_actions import noted

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def first(db) -> Agreement:
    return agreements.publish("First", None, NOW)


@pytest.fixture
def second(first) -> Agreement:
    return agreements.publish("Second", None, NOW)


def consent_of(member):
    stored = as_stored(member)
    return stored["consent_at"], stored["consent_to_id"]


def agree(member, agreement, at=NOW):
    Member.objects.filter(pk=member.pk).update(consent_at=at, consent_to=agreement)


def names(response):
    return [member.first_name for member in response.context["cl"].result_list]


# ---- recording -------------------------------------------------------------------------------------------------------


def test_recording_asks_first_and_says_to_what(boss, ada, second):
    text = act(boss, "record_consent", ada).content.decode()
    assert "Ada Lovelace" in text
    assert "/agreement/2/" in text
    assert consent_of(ada) == (None, None)


@time_machine.travel(NOW, tick=False)
def test_who_was_asked_records_it_for_all_of_them(boss, ada, hugo, bruno, second):
    act(boss, "record_consent", ada, hugo, sure="yes", version="2")
    assert told(boss) == ["2 consents were recorded."]
    assert consent_of(ada) == consent_of(hugo) == (NOW, second.pk)
    assert consent_of(bruno) == (None, None)
    assert noted(ada) == ["Consent given at: 2026-03-10 13:00", "Consent to: Version 2 of 2026-03-10"]


def test_a_consent_is_to_what_was_read_and_not_to_what_was_published_meanwhile(boss, ada, second):
    response = act(boss, "record_consent", ada, sure="yes", version="1")
    assert response.status_code == 200
    assert consent_of(ada) == (None, None)


def test_who_agreed_already_keeps_the_day_and_who_agreed_to_an_older_one_gets_a_new_one(boss, ada, hugo, first, second):
    agree(ada, second)
    agree(hugo, first)
    act(boss, "record_consent", ada, hugo, sure="yes", version="2")
    assert told(boss)[1] == "Left out: Ada Lovelace: agreed to this version already."
    assert consent_of(ada) == (NOW, second.pk)
    assert consent_of(hugo)[1] == second.pk
    assert consent_of(hugo)[0] > NOW


def test_without_an_agreement_there_is_nothing_to_record(boss, ada):
    act(boss, "record_consent", ada, sure="yes", version="1")
    assert told(boss) == ["There is no agreement yet: write it first."]


def test_staff_records_no_consent_of_people_with_power(make_member, carla, ada, second):
    role = backend_role("Desk", "view_member", "change_member")
    desk = client_of(make_member("Tina", role=role, email="t@example.org"))
    act(desk, "record_consent", carla, ada, sure="yes", version="2")
    assert consent_of(carla) == (None, None)
    assert consent_of(ada)[1] == second.pk


def test_the_members_page_offers_it_while_it_is_lacking(boss, ada, first):
    address = page(Member, "change", ada.pk)
    assert 'value="record_consent"' in boss.get(address).content.decode()
    agree(ada, first)
    assert 'value="record_consent"' not in boss.get(address).content.decode()


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_an_old_paper_has_a_day_and_no_version(boss, ada, first):
    save(boss, page(Member, "change", ada.pk), consent_at_0="2025-01-31", consent_at_1="12:00")
    assert consent_of(ada) == (datetime(2025, 1, 31, 11, tzinfo=UTC), None)


def test_a_version_without_a_day_is_refused(boss, ada, first):
    errors = errors_of(save(boss, page(Member, "change", ada.pk), consent_to=first.pk))
    assert errors == {"consent_at": ["Say when they agreed to it. To withdraw a consent, empty both."]}


def test_a_consent_of_tomorrow_is_refused(boss, ada):
    with time_machine.travel(NOW):
        errors = errors_of(save(boss, page(Member, "change", ada.pk), consent_at_0="2026-03-11", consent_at_1="12:00"))
    assert errors == {"consent_at": ["This is in the future."]}


def test_withdrawing_empties_both_and_is_in_the_log(boss, ada, first):
    agree(ada, first)
    save(boss, page(Member, "change", ada.pk), consent_at_0="", consent_at_1="", consent_to="")
    assert consent_of(ada) == (None, None)
    assert noted(ada) == ["Consent given at: 2026-03-10 13:00 → –", "Consent to: Version 1 of 2026-03-10 → –"]


def test_a_form_that_was_open_meanwhile_takes_no_consent_back(boss, ada, first):
    address = page(Member, "change", ada.pk)
    opened = filled_in(boss, address)
    agree(ada, first)
    boss.post(address, {**opened, "last_name": "Byron"})
    assert as_stored(ada)["last_name"] == "Byron"
    assert consent_of(ada) == (NOW, first.pk)


# ---- the list --------------------------------------------------------------------------------------------------------


def test_the_list_says_and_finds_who_agreed_to_what(boss, ada, bruno, gino, hugo, first, second):
    agree(ada, second)
    agree(bruno, first)
    agree(gino, None)
    members = boss.get(page(Member, "changelist"))
    standings = {member.first_name: member.standing for member in members.context["cl"].result_list}
    assert standings == {
        "Ada": "version 2",
        "Bruno": "older: version 1",
        "Gino": "agreed 10 Mar 2026",
        "Hugo": "",
        "Dora": "",
    }
    found = {kind: names(boss.get(f"{page(Member, 'changelist')}?consent={kind}")) for kind in ("current", "older")}
    assert {kind: sorted(people) for kind, people in found.items()} == {"current": ["Ada"], "older": ["Bruno", "Gino"]}
    assert set(names(boss.get(f"{page(Member, 'changelist')}?consent=none"))) == {"Hugo", "Dora"}


@pytest.mark.parametrize("asked", ["current", "older", "none", "nonsense"])
def test_the_filter_needs_no_agreement(boss, ada, asked):
    assert boss.get(f"{page(Member, 'changelist')}?consent={asked}").status_code in (200, 302)


def test_the_list_can_be_read_in_italian(boss, ada, first):
    assert boss.get(page(Member, "changelist"), headers={"accept-language": "it"}).status_code == 200


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "it"])
def test_an_exported_consent_is_understood_again(boss, ada, second, language):
    agree(ada, second, NOW.replace(microsecond=123456))
    file = boss.post(page(Member, "export"), {"format": "csv"}, headers={"accept-language": language})
    content = b"".join(file.streaming_content)
    assert set(verdicts(preview(boss, Member, content))) == {"unchanged"}


def test_a_file_records_old_papers_and_versions(boss, ada, hugo, first):
    head = "Cards;Consent given at;Consent to version"
    rows = (f"{UIDS['ada']};2025-01-31 12:00;", f"{UIDS['hugo']};2026-02-01 12:00;1")
    do_import(boss, Member, csv_of(head, *rows))
    assert consent_of(ada) == (datetime(2025, 1, 31, 11, tzinfo=UTC), None)
    assert consent_of(hugo)[1] == first.pk


def test_a_file_without_these_columns_leaves_them_alone(boss, ada, first):
    agree(ada, first)
    do_import(boss, Member, csv_of("Cards;Last name", f"{UIDS['ada']};Byron"))
    assert consent_of(ada) == (NOW, first.pk)


def test_a_file_withdraws_by_dashes(boss, ada, first):
    agree(ada, first)
    do_import(boss, Member, csv_of("Cards;Consent given at;Consent to version", f"{UIDS['ada']};-;-"))
    assert consent_of(ada) == (None, None)


@pytest.mark.parametrize(
    ("cells", "error"),
    [
        (";1", "2 Consent given at: Say when they agreed to it. To withdraw a consent, empty both."),
        ("2025-01-31;7", "2 Consent to version: There is no version 7 of the agreement."),
        ("2999-01-31;1", "2 Consent given at: This is in the future."),
    ],
)
def test_what_a_file_cannot_mean_is_refused(boss, ada, first, cells, error):
    seen = preview(boss, Member, csv_of("Cards;Consent given at;Consent to version", f"{UIDS['ada']};{cells}"))
    assert errors_in(seen) == [error]


# ---- mails -----------------------------------------------------------------------------------------------------------


def wish(client, member, **wishes):
    response = save(client, page(Member, "change", member.pk), **wishes)
    assert response.status_code == 302
    return [text for text in told(client) if "was changed successfully" not in text]


def test_wishes_that_come_true_are_taken_without_a_word(boss, dora):
    assert wish(boss, dora, wants_maintenance_mail="on", wants_silence_mail="on", wants_weekly_summary="on") == []
    stored = as_stored(dora)
    assert stored["wants_maintenance_mail"]
    assert stored["wants_silence_mail"]


def test_who_wishes_mails_without_an_address_is_told_so(boss, carla):
    assert wish(boss, carla, wants_maintenance_mail="on") == [
        "Carla Scarpa: Without an e-mail address nobody gets the mails they wish."
    ]


def test_who_wishes_mails_that_the_role_does_not_get_is_told_so(boss, ada):
    said = wish(boss, ada, wants_maintenance_mail="on", wants_silence_mail="on")
    assert [text.startswith("Ada Lovelace: ") for text in said] == [True, True]
    assert as_stored(ada)["wants_maintenance_mail"]


def test_who_changes_something_else_is_not_told_again(boss, ada):
    Member.objects.filter(pk=ada.pk).update(wants_silence_mail=True)
    assert wish(boss, ada, notes="x") == []


def test_files_hold_wishes(boss, ada):
    head = "Cards;Mail when maintenance falls due;Mail when a board falls silent"
    do_import(boss, Member, csv_of(head, f"{UIDS['ada']};yes;no"))
    stored = as_stored(ada)
    assert (stored["wants_maintenance_mail"], stored["wants_silence_mail"]) == (True, False)
    assert Change.objects.filter(object_id=str(ada.pk)).count() == 1
