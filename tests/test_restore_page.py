"""Backups on the system page: listed, downloaded, uploaded, and put back after two questions."""

import gzip
import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from fabomatic import asgi, restore_page, uploads
from fabomatic.backups import making
from fabomatic.backups.keeping import kept
from members.models import Member
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = "/admin/system/"
UPLOAD = f"{SYSTEM}upload/"


@pytest.fixture(autouse=True)
def lab(settings, tmp_path, dora, ada, laser, make_use, monkeypatch):
    settings.BASE_DIR = tmp_path
    monkeypatch.setattr("fabomatic.system_page.feed.start", lambda: None)
    make_use(laser, member=ada)


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def tina(make_member) -> Client:
    """Sees the system page, and is no superuser."""
    return client_of(make_member("Tina", role=backend_role("Technicians", "view_run"), email="tina@example.org"))


@pytest.fixture
def backup(now):
    return making.make(now).path


def address(path) -> str:
    return f"{SYSTEM}backups/{path.name}/"


def send(client, content: bytes, name: str = "fabomatic.sqlite3.gz"):
    return client.post(UPLOAD, {"file": SimpleUploadedFile(name, content)})


def waiting() -> list[Path]:
    return [path for path in uploads.folder().rglob("*") if path.is_file()]


def told(client) -> list[str]:
    return [str(message) for message in client.get(SYSTEM).context["messages"]]


def is_there(name: str) -> bool:
    return Member.objects.filter(first_name=name).exists()


# ---- the list --------------------------------------------------------------------------------------------------------


def test_superusers_see_what_is_kept(boss, backup, now):
    aside = making.put_aside(now + timedelta(days=1))
    text = boss.get(SYSTEM).content.decode()
    assert text.index(aside.name) < text.index(backup.name)
    assert text.count("put aside before a restore") == 1
    assert f'action="{address(backup)}download/"' in text


def test_before_the_first_one_it_says_what_makes_it(boss):
    assert "There is none yet" in boss.get(SYSTEM).content.decode()


def test_a_folder_that_cannot_be_read_is_said(boss, monkeypatch):
    def refuse():
        raise PermissionError

    monkeypatch.setattr(restore_page, "kept", refuse)
    assert "cannot be read" in boss.get(SYSTEM).content.decode()


def test_nobody_else_sees_or_gets_any_of_it(tina, backup):
    assert backup.name not in tina.get(SYSTEM).content.decode()
    assert tina.get(address(backup)).status_code == 403
    assert tina.post(address(backup), {"word": "RESTORE"}).status_code == 403
    assert tina.post(f"{address(backup)}download/").status_code == 403
    assert send(tina, backup.read_bytes()).status_code == 403
    assert waiting() == []


def test_strangers_have_to_log_in(client, backup):
    for asked in (address(backup), UPLOAD):
        assert client.post(asked, {"word": "RESTORE"}).status_code == 302
    assert waiting() == []


def test_one_is_downloaded_as_it_is(boss, backup):
    response = boss.post(f"{address(backup)}download/")
    assert b"".join(response.streaming_content) == backup.read_bytes()
    assert response["Content-Disposition"] == f'attachment; filename="{backup.name}"'
    assert boss.get(f"{address(backup)}download/").status_code == 405


def test_what_is_compressed_is_not_compressed_again(boss, backup):
    response = boss.post(f"{address(backup)}download/", headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in response
    assert int(response["Content-Length"]) == backup.stat().st_size


@pytest.mark.parametrize(
    "name", ["..", "..%2F..%2Fsettings.py", "%2Fetc%2Fpasswd", "fabomatic-2020-01-01T0000Z.sqlite3.gz"]
)
def test_only_names_of_the_list_lead_anywhere(boss, backup, settings, name):
    (settings.BACKUP_FOLDER.parent / "settings.py").write_text("SECRET")
    assert boss.get(f"{SYSTEM}backups/{name}/").status_code == 404
    assert boss.post(f"{SYSTEM}backups/{name}/download/").status_code == 404


# ---- the questions ---------------------------------------------------------------------------------------------------


def test_the_first_page_compares_and_changes_nothing(boss, backup, make_member):
    make_member("Zita")
    response = boss.get(address(backup))
    rows = {label: (then, now) for label, then, now in response.context["rows"]}
    assert rows["members"] == (2, 3)
    assert rows["uses"] == (1, 1)
    assert "10 Mar 2026, 13:00" in response.content.decode()
    assert is_there("Zita")


@pytest.mark.parametrize("sent", [{}, {"word": ""}, {"word": "yes"}])
def test_without_the_word_it_asks_again(boss, backup, make_member, sent):
    make_member("Zita")
    response = boss.post(address(backup), sent)
    assert "type <b>RESTORE</b>" in response.content.decode()
    assert ("That is not the word" in response.content.decode()) is bool(sent)
    assert is_there("Zita")


def test_the_word_is_that_of_the_reader(boss, backup, make_member):
    make_member("Zita")
    page = boss.post(address(backup), {}, headers={"accept-language": "it"})
    assert page.status_code == 200
    boss.post(address(backup), {"word": f" {page.context['word'].lower()} "}, headers={"accept-language": "it"})
    assert not is_there("Zita")


# ---- restoring -------------------------------------------------------------------------------------------------------


def test_who_typed_it_gets_the_lab_of_then_and_is_told(boss, backup, make_member):
    make_member("Zita")
    response = boss.post(address(backup), {"word": "restore"})
    text = response.content.decode()
    assert response.status_code == 200
    assert f"Restored {backup.name}" in text
    assert "Everybody has to log in again." in text
    assert not is_there("Zita")
    assert kept()[0].is_before_restore


def test_afterwards_nobody_is_logged_in(boss, tina, backup):
    response = boss.post(address(backup), {"word": "RESTORE"})
    assert response.cookies["sessionid"].value == ""
    assert boss.get(SYSTEM).status_code == 302
    assert tina.get(SYSTEM).status_code == 302


def test_a_restore_that_fails_says_so_and_nobody_is_out(boss, backup, make_member, monkeypatch):
    make_member("Zita")

    def fail(*args):
        raise restore_page.RestoreFailed("The disk is full.")

    monkeypatch.setattr(restore_page, "restore", fail)
    assert boss.post(address(backup), {"word": "RESTORE"}).status_code == 302
    assert told(boss) == ["The disk is full."]
    assert is_there("Zita")


def test_a_damaged_one_is_refused_and_stays_in_the_list(boss, backup):
    backup.write_bytes(b"not a backup")
    assert boss.get(address(backup)).status_code == 302
    assert told(boss) == ["This is no backup of Fabomatic."]
    assert backup.exists()


# ---- from elsewhere --------------------------------------------------------------------------------------------------


def test_an_uploaded_one_is_looked_into_and_restored(boss, backup, make_member):
    make_member("Zita")
    place = send(boss, backup.read_bytes(), backup.name).url
    assert boss.get(place).context["rows"][0] == ("members", 2, 3)
    assert [path.name for path in waiting()] == [backup.name]
    assert boss.post(place, {"word": "RESTORE"}).status_code == 200
    assert not is_there("Zita")
    assert waiting() == []


def test_it_waits_beside_the_project_and_nobody_else_reads_it(boss, backup, tmp_path):
    send(boss, backup.read_bytes())
    [path] = waiting()
    assert path.is_relative_to(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_bytes() == backup.read_bytes()


@pytest.mark.parametrize("content", [b"", b"hello", gzip.compress(b"hello"), b"SQLite format 3\0" + bytes(2000)])
def test_what_is_no_backup_is_refused_and_deleted(boss, content):
    response = send(boss, content)
    if response.url != SYSTEM:
        assert boss.get(response.url).status_code == 302
    assert len(told(boss)) == 1
    assert waiting() == []


@pytest.mark.parametrize("name", ["../../x.gz", "/etc/cron.d/x", ".hidden", "a b;c.gz", "..", "x" * 300, "\u202e.gz"])
def test_a_name_leads_nowhere_else(boss, backup, name):
    """As no browser sends it."""
    head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body = head + backup.read_bytes() + b"\r\n--edge--\r\n"
    assert boss.generic("POST", UPLOAD, body, "multipart/form-data; boundary=edge").status_code == 302
    assert all(path.parent.parent == uploads.folder() for path in waiting())
    assert not any(path.name.startswith(".") for path in waiting())


def test_nothing_chosen_is_said(boss):
    boss.post(UPLOAD, {})
    assert told(boss) == ["Choose a file."]


def test_a_full_disk_is_said_and_nothing_is_left(boss, backup, monkeypatch):
    monkeypatch.setattr(uploads, "SPARE", 10**18)
    send(boss, backup.read_bytes())
    assert told(boss) == ["The disk has no room for this file."]
    assert waiting() == []


def test_after_an_hour_it_is_gone(boss, backup):
    place = send(boss, backup.read_bytes()).url
    [path] = waiting()
    for old in (path, path.parent):
        os.utime(old, (0, 0))
    assert boss.get(place).url == SYSTEM
    assert waiting() == []


def test_what_comes_in_waits_on_the_disk_and_not_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(asgi, "WAITING", str(tmp_path / "waiting"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.delenv("TMPDIR", raising=False)
    asgi._wait_on_disk()
    assert tempfile.gettempdir() == str(tmp_path / "waiting")


def test_it_can_be_given_up(boss, backup):
    place = send(boss, backup.read_bytes()).url
    boss.post(place, {"discard": "yes"})
    assert waiting() == []
    assert is_there("Ada")


def test_another_superuser_does_not_get_at_it(boss, backup, make_member, roles):
    place = send(boss, backup.read_bytes()).url
    other = make_member("Oscar", role=roles.administrators, email="o@example.org", is_superuser=True)
    assert client_of(other).get(place).url == SYSTEM
    assert client_of(other).get(f"{UPLOAD}..%2F..%2Fsettings/").status_code in (302, 404)
    assert len(waiting()) == 1


def test_a_forged_form_uploads_nothing(dora, backup):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dora)
    assert send(client, backup.read_bytes()).status_code == 403
    assert waiting() == []
    assert client.post(address(backup), {"word": "RESTORE"}).status_code == 403
    token = client.get(SYSTEM).cookies["csrftoken"].value
    file = SimpleUploadedFile("a.gz", backup.read_bytes())
    assert client.post(UPLOAD, {"csrfmiddlewaretoken": token, "file": file}).url.startswith(UPLOAD)
