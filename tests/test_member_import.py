"""Members from a file: each row is seen before anything is written, and nobody gains power by it."""

from datetime import date

import pytest
import time_machine

from members.models import Card, Change, Member, Role
from tests.conftest import NOW, UIDS
from tests.importing import (
    confirm,
    csv_of,
    do_import,
    errors_in,
    preview,
    refusal,
    rows_of,
    upload,
    verdicts,
)
from tests.staff import MEMBER_WORK, backend_role, client_of, page

pytestmark = pytest.mark.django_db

HEAD = "First name;Last name;E-mail;Role;Membership ends;Cards"
NINA = "Nina;Rossi;nina@example.org;members;2026-12-31;12345678"


@pytest.fixture(autouse=True)
def today(settings, tmp_path):
    settings.IMPORT_FOLDER = tmp_path / "imports"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora):
    return client_of(dora)


@pytest.fixture
def clerk(make_member):
    """Works with members, and is no superuser."""
    return client_of(make_member("Clara", role=backend_role("Clerks", *MEMBER_WORK)))


def member(email):
    return Member.objects.get(email=email)


# ---- new, changed, unchanged -----------------------------------------------------------------------------------------


def test_a_new_member_comes_with_role_card_and_end(boss, roles):
    seen = preview(boss, Member, csv_of(HEAD, NINA))
    assert verdicts(seen) == ["new"]
    assert not Member.objects.filter(first_name="Nina").exists()
    confirm(boss, seen)
    nina = member("nina@example.org")
    assert (nina.get_full_name(), nina.role, nina.valid_until) == ("Nina Rossi", roles.members, date(2026, 12, 31))
    assert not nina.has_usable_password()
    assert [card.uid for card in nina.cards.all()] == ["12345678"]


def test_the_preview_says_old_and_new(boss, ada):
    seen = preview(boss, Member, csv_of("Cards;Membership ends;Active", f"{UIDS['ada']};31.12.2026;no"))
    assert verdicts(seen) == ["changed"]
    assert "Membership ends: 2026-12-31" in seen.content.decode()
    assert "Active: yes → no" in seen.content.decode()


def test_what_was_written_is_in_the_log_with_old_and_new(boss, dora, ada):
    Member.objects.filter(pk=ada.pk).update(email="ada@example.org")
    do_import(boss, Member, csv_of("E-mail;Last name;Cards", "ADA@example.org;Byron;99887766"))
    change = Change.objects.get(object_id=str(ada.pk))
    assert change.member == dora
    assert change.details == [
        {"did": "changed", "values": [{"field": "last name", "old": "Lovelace", "new": "Byron", "personal": True}]},
        {"did": "added", "name": "card", "object": "99887766", "personal": True},
    ]


def test_the_same_file_again_changes_nothing(boss):
    do_import(boss, Member, csv_of(HEAD, NINA))
    assert verdicts(preview(boss, Member, csv_of(HEAD, NINA))) == ["unchanged"]


def test_empty_cells_and_columns_that_are_not_there_change_nothing_and_a_dash_empties(boss, ada):
    Member.objects.filter(pk=ada.pk).update(last_name="Byron", notes="x", valid_until=date(2026, 5, 1))
    do_import(boss, Member, csv_of("Cards;Last name;Notes;Membership ends", f"{UIDS['ada']};;-;-"))
    ada.refresh_from_db()
    assert (ada.last_name, ada.notes, ada.valid_until) == ("Byron", "", None)


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("reader", ["en", "it"])
def test_an_export_is_understood_in_any_language(boss, everybody, language, file_format, reader):
    Member.objects.filter(pk=everybody.ada.pk).update(notes="=1+1", last_name="-", language="it")
    Member.objects.filter(pk=everybody.hugo.pk).update(notes="'=1+1", last_name='"x"; y\nz')
    speaks = {"accept-language": language}
    file = boss.post(page(Member, "export"), {"format": file_format}, headers=speaks)
    seen = preview(boss, Member, b"".join(file.streaming_content), accept_language=reader)
    assert set(verdicts(seen)) == {"unchanged"}, errors_in(seen)
    assert len(rows_of(seen)) == Member.objects.count()


# ---- who is meant ----------------------------------------------------------------------------------------------------


def test_e_mail_and_card_of_two_people_are_an_error(boss, ada, bruno):
    Member.objects.filter(pk=ada.pk).update(email="ada@example.org")
    seen = preview(boss, Member, csv_of("E-mail;Cards", f"ada@example.org;{UIDS['bruno']}"))
    assert errors_in(seen) == ["2 : The e-mail and the cards belong to different people: Ada Lovelace, Bruno Munari."]


def test_a_card_of_somebody_with_a_new_e_mail_changes_the_e_mail(boss, ada):
    do_import(boss, Member, csv_of("E-mail;Cards", f"new@example.org;{UIDS['ada']}"))
    assert member("new@example.org") == ada


def test_doubles_inside_the_file_are_found(boss):
    rows = ("Nina;a@example.org;11111111", "Otto;a@example.org;22222222", "Pia;p@example.org;1111-1111")
    seen = preview(boss, Member, csv_of("First name;E-mail;Cards", *rows))
    assert verdicts(seen) == ["new", "error", "error"]
    assert errors_in(seen) == ["3 E-mail: Row 2 is about the same.", "4 Cards: Row 2 is about the same."]


def test_a_name_that_is_here_already_is_not_doubled(boss, ada):
    assert (
        "2 First name: Somebody of this name"
        in errors_in(preview(boss, Member, csv_of("First name;Last name", "Ada;Lovelace")))[0]
    )


# ---- errors in words -------------------------------------------------------------------------------------------------


def test_each_error_has_its_row_and_column(boss):
    rows = ("Nina;no-address;xx;Pirates;2026-02-31", ";o@example.org;;;", f"{'x' * 81};p@example.org;;;")
    seen = preview(boss, Member, csv_of("First name;E-mail;Active;Role;Membership ends", *rows))
    found = errors_in(seen)
    assert "2 Role: There is no role “Pirates”. There are: Administrators, Members, Staff." in found
    assert "2 Active: Write yes or no." in found
    assert any(text.startswith("2 Membership ends: “2026-02-31” is not understood.") for text in found)
    assert "2 E-mail: Enter a valid email address." in found
    assert "3 First name: A new member needs a first name." in found
    assert any(text.startswith("4 First name: Ensure this value has at most 80") for text in found)


def test_with_errors_nothing_is_written_unless_they_are_left_out(boss):
    seen = preview(boss, Member, csv_of("First name;E-mail", "Nina;n@example.org", "Otto;x"))
    assert "Nothing was written" in confirm(boss, seen).content.decode()
    assert not Member.objects.filter(first_name="Nina").exists()
    done = confirm(boss, seen, without_errors="on")
    assert "1 row with errors was left out." in done.content.decode()
    assert member("n@example.org").first_name == "Nina"


def test_unknown_columns_are_named_and_ignored(boss, roles):
    file = csv_of("First name;E-mail;Shoe size;password;is_superuser", "Nina;n@example.org;38;secret;yes")
    seen = preview(boss, Member, file)
    assert "Shoe size, password, is_superuser" in seen.content.decode()
    confirm(boss, seen)
    nina = member("n@example.org")
    assert (nina.is_superuser, nina.has_usable_password(), nina.role) == (False, False, roles.members)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty"),
        (b"First name\r\n", "The file is empty"),
        (b"Shoe size\r\n38\r\n", "The file has no column “E-mail” or “Cards” or “First name”."),
        (b"PK\x03\x04nonsense", "The file cannot be read as XLSX."),
        (b"\xd0\xcf\x11\xe0old", "This is a file of an old Excel."),
        (b"\x00\x01\x02\x00", "This is neither CSV nor XLSX."),
        (b"First name\r\n" + b"x\r\n" * 10_001, "The file has more than 10000 rows."),
        (b"x" * (2 * 1024 * 1024 + 1), "The file is too large"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(boss, content, reason):
    assert refusal(upload(boss, Member, content)).startswith(reason)


# ---- power -----------------------------------------------------------------------------------------------------------


def test_ordinary_staff_imports_ordinary_members(clerk):
    do_import(clerk, Member, csv_of(HEAD, NINA))
    assert member("nina@example.org")


@pytest.mark.parametrize("role", ["Staff", "administrators", "Clerks"])
def test_ordinary_staff_gives_nobody_a_powerful_role(clerk, roles, role):
    seen = preview(clerk, Member, csv_of("First name;E-mail;Role", f"Nina;n@example.org;{role}"))
    assert verdicts(seen) == ["error"]
    assert "Only superusers give" in errors_in(seen)[0]


def test_ordinary_staff_changes_nobodys_role(clerk, ada):
    Role.objects.create(name="Guests")
    assert verdicts(preview(clerk, Member, csv_of("Cards;Role", f"{UIDS['ada']};Guests"))) == ["error"]


@pytest.mark.parametrize(
    "row", ["d0a0d0a0;new@example.org;;", "d0a0d0a0;;no;", "d0a0d0a0, 11112222;;;", ";;;d0a0d0a0", "ca51a000;x@x.org;;"]
)
def test_ordinary_staff_touches_nobody_powerful_nor_their_cards(clerk, dora, carla, row):
    seen = preview(clerk, Member, csv_of("Cards;E-mail;Active;Lost cards", row))
    assert verdicts(seen) == ["error"]
    assert any("Only superusers change people with this role" in text for text in errors_in(seen))


def test_cards_need_the_right_to_give_cards(make_member, ada):
    work = ("view_member", "add_member", "change_member")
    client = client_of(make_member("Clara", role=backend_role("Clerks", *work)))
    seen = preview(client, Member, csv_of("Cards", f"{UIDS['ada']}, 11112222"))
    assert errors_in(seen) == ["2 Cards: You may not give or change cards."]


def test_whoever_may_only_change_adds_nobody(make_member, ada):
    client = client_of(make_member("Clara", role=backend_role("Clerks", "view_member", "change_member")))
    seen = preview(client, Member, csv_of("First name;Cards", "Nina;", f"Adele;{UIDS['ada']}"))
    assert verdicts(seen) == ["error", "changed"]


@pytest.mark.parametrize("codenames", [("view_member",), ("add_member", "change_member"), ("view_use", "add_card")])
def test_whoever_may_not_see_or_write_members_imports_none(make_member, codenames):
    client = client_of(make_member("Sam", role=backend_role("Others", *codenames)))
    assert upload(client, Member, csv_of(HEAD, NINA)).status_code == 403


def test_the_last_superuser_stays(boss, dora):
    Member.objects.filter(pk=dora.pk).update(email="dora@example.org")
    assert verdicts(preview(boss, Member, csv_of("Cards;Active", f"{UIDS['dora']};no"))) == ["error"]
    assert verdicts(preview(boss, Member, csv_of("Cards;Role", f"{UIDS['dora']};Members"))) == ["error"]
    assert verdicts(preview(boss, Member, csv_of("Cards;E-mail", f"{UIDS['dora']};-"))) == ["error"]


def test_a_lost_card_is_not_found_again_by_an_old_file(boss, flora):
    seen = preview(boss, Member, csv_of("Cards;Last name", f"{UIDS['flora']};X"))
    assert "was reported lost" in errors_in(seen)[0]


def test_a_card_can_be_reported_lost(boss, ada):
    do_import(
        boss,
        Member,
        csv_of("Lost cards", UIDS["ada"]).replace(b"Lost cards", b"Cards;Lost cards").replace(b"0a1", b";0a1"),
    )
    assert Card.objects.get(uid=UIDS["ada"]).is_lost
