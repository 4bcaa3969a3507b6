"""How somebody gets their export: by a command, or from their page in the administration, and who may ask for it."""

import json
import stat
from io import BytesIO, StringIO
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from fabomatic.privacy import person_export
from fabomatic.privacy.admin_views import EXPORTS
from fabomatic.privacy.person import NotOnePerson, find
from members.changes import sentences
from members.models import Card, Change, Member
from tests.conftest import UIDS
from tests.member_desk import told
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("export_member", *arguments, stdout=output)
    return output.getvalue()


# ---- whom it is about ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who", ["ada@example.org", " ADA@Example.org ", "0a1b2c3d", "0A:1B:2C:3D", "0169552957", "#{}"]
)
def test_a_person_is_found_by_email_card_and_number(ada, bruno, who):
    assert find(who.format(ada.pk)) == ada


def test_a_bare_number_finds_a_member_too(ada, bruno):
    assert find(str(bruno.pk)) == bruno


@pytest.mark.parametrize(
    "who", ["", "  ", "nobody@example.org", "deadbeef", "#", "#0", "#" + "9" * 30, "9" * 30, "Ada"]
)
def test_nobody_is_found_with_a_sentence(ada, who):
    with pytest.raises(NotOnePerson, match="no member"):
        find(who)


def test_two_are_refused_and_told_by_number(ada, bruno):
    Card.objects.create(uid=f"{ada.pk:08}", member=bruno)
    with pytest.raises(NotOnePerson, match=f"#{ada.pk}, #{bruno.pk}"):
        find(f"{ada.pk:08}")
    assert find(f"#{ada.pk}") == ada


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_a_file_that_nobody_else_reads(ada, here):
    said = run("ada@example.org")
    (path,) = here.iterdir()
    assert path.name == f"member-{ada.pk}-{person_export.timezone.localdate():%Y-%m-%d}.zip"
    assert path.name in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(ZipFile(path).read("person.json"))["person"]["email"] == "ada@example.org"


def test_the_command_replaces_no_file_without_being_told(ada, here):
    (here / "mine.zip").write_text("mine")
    with pytest.raises(CommandError, match="exists"):
        run("0a1b2c3d", "--output", "mine.zip")
    assert (here / "mine.zip").read_text() == "mine"
    run("0a1b2c3d", "--output", "mine.zip", "--overwrite")
    assert ZipFile(here / "mine.zip").testzip() is None
    assert stat.S_IMODE((here / "mine.zip").stat().st_mode) == 0o600


def test_the_command_says_that_there_is_no_such_person_or_folder(ada, here):
    with pytest.raises(CommandError, match="no member"):
        run("nobody@example.org")
    with pytest.raises(CommandError, match="could not be written"):
        run("ada@example.org", "--output", "nowhere/ada.zip")
    assert list(here.iterdir()) == []


def test_a_failure_leaves_no_half_file(ada, here, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fabomatic.management.commands.export_member.write", full)
    with pytest.raises(CommandError, match="No space left"):
        run("ada@example.org")
    assert list(here.iterdir()) == []
    assert not Change.objects.exists()


# ---- the administration ----------------------------------------------------------------------------------------------


def address(member) -> str:
    return reverse("admin:member_export", args=[member.pk])


def test_staff_gets_the_file_from_their_page(ada, dora):
    boss = client_of(dora)
    assert address(ada) in boss.get(page(Member, "change", ada.pk)).content.decode()
    response = boss.post(address(ada))
    content = b"".join(response.streaming_content)
    assert response.headers["Content-Type"] == "application/zip"
    assert f'filename="member-{ada.pk}-' in response.headers["Content-Disposition"]
    assert ZipFile(BytesIO(content)).namelist() == ["person.json", "person.html"]


def test_that_it_was_exported_is_in_the_log_without_what(ada, dora):
    client_of(dora).post(address(ada))
    change = Change.objects.get()
    assert (change.member, change.object_id) == (dora, str(ada.pk))
    assert sentences(change, sees_people=True) == ["Exported what is stored about this person."]


def test_looking_at_the_address_gives_nothing(ada, dora):
    assert client_of(dora).get(address(ada)).status_code == 405


@pytest.mark.parametrize("missing", EXPORTS)
def test_whoever_may_not_see_all_of_it_gets_nothing(ada, make_member, missing):
    codenames = [name.partition(".")[2] for name in EXPORTS if name != missing]
    clerk = client_of(make_member("Cleo", role=backend_role("Clerks", *codenames)))
    assert clerk.post(address(ada)).status_code == 403
    response = clerk.get(page(Member, "change", ada.pk))
    assert address(ada) not in response.content.decode()


def test_whoever_may_see_all_of_it_exports_ordinary_members_only(ada, dora, make_member):
    codenames = [name.partition(".")[2] for name in EXPORTS]
    clerk = client_of(make_member("Cleo", role=backend_role("Clerks", *codenames)))
    assert clerk.post(address(ada)).status_code == 200
    assert address(ada) in clerk.get(page(Member, "change", ada.pk)).content.decode()
    assert clerk.post(address(dora)).status_code == 403
    assert address(dora) not in clerk.get(page(Member, "change", dora.pk)).content.decode()


def test_an_unknown_number_is_not_found(dora):
    boss = client_of(dora)
    for number in (999_999, 10**30):
        assert boss.post(f"/admin/members/member/{number}/export/").status_code == 404
        assert boss.get(f"/admin/members/member/{number}/erase/").status_code == 404


def test_a_full_disk_is_said(ada, dora, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fabomatic.privacy.person_export.write", full)
    boss = client_of(dora)
    assert boss.post(address(ada)).status_code == 302
    assert told(boss) == ["The file could not be written: No space left on device"]


def test_the_pages_are_there_in_italian(ada, dora):
    boss = client_of(dora)
    for url in (page(Member, "change", ada.pk), reverse("admin:member_erase", args=[ada.pk])):
        assert boss.get(url, headers={"accept-language": "it"}).status_code == 200
    assert UIDS["ada"] not in boss.get(reverse("admin:member_erase", args=[ada.pk])).content.decode()
