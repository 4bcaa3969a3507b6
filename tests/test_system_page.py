"""`/admin/system/`: how everything is, for superusers and for whom the role lets see it."""

import gzip
import io
import json

import pytest
from django.test import override_settings

from fabomatic import system, system_page
from fabomatic.models import KEPT_PER_KIND, Run, note_run
from fabomatic.system import Fact
from telemetry.live.feed import Arrived, Connected, Feed, Trouble
from telemetry.live.wall import Wall
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/system/"


@pytest.fixture
def feed(monkeypatch, time):
    """One that nobody starts; `hear` is what the broker would bring."""
    feed = Feed(Wall(), monotonic=time)
    monkeypatch.setattr(feed, "start", lambda: None)
    monkeypatch.setattr(system_page, "feed", feed)
    return feed


def hear(feed, **status):
    feed.take(Arrived("stats/backend", json.dumps({"Connected": True, **status}).encode(), 0.0, False))


def text_of(client):
    response = client.get(ADDRESS)
    assert response.status_code == 200
    return response.content.decode()


def facts(feed):
    return {str(fact.label): fact for fact in system.traffic(feed)}


# ---- who -------------------------------------------------------------------------------------------------------------


def test_a_superuser_sees_it(dora, feed):
    assert "Last lines of the worker" in text_of(client_of(dora))


def test_a_role_may_be_let_see_it_but_gets_no_copy(make_member, feed):
    client = client_of(make_member("Tina", role=backend_role("Technicians", "view_run"), email="tina@example.org"))
    assert "Download" not in text_of(client)
    assert client.post(f"{ADDRESS}copy/").status_code == 403


def test_other_staff_does_not(make_member, feed):
    client = client_of(make_member("Tina", role=backend_role("Technicians", "view_machine"), email="tina@example.org"))
    assert client.get(ADDRESS).status_code == 403


def test_strangers_and_members_have_to_log_in(client, ada, feed):
    assert client.get(ADDRESS).status_code == 302
    assert client_of(ada).get(ADDRESS).status_code == 302


def test_it_can_be_read_in_italian(dora, feed):
    dora.language = "it"
    dora.save()
    assert "Sistema" in text_of(client_of(dora))


# ---- what ------------------------------------------------------------------------------------------------------------


def test_secrets_are_not_on_it(dora, feed, settings):
    assert settings.SECRET_KEY not in text_of(client_of(dora))


def test_a_setting_says_where_it_comes_from(dora, feed):
    shown = {setting.name: setting for setting in system.settings_shown()}
    assert shown["SECRET_KEY"].source == "environment"
    assert shown["SECRET_KEY"].value == "•••"


def test_the_last_run_of_each_kind_is_told(dora, feed):
    note_run(Run.Kind.BACKUP, "older one")
    note_run(Run.Kind.BACKUP, "disk <full>", is_ok=False)
    text = text_of(client_of(dora))
    assert "disk &lt;full&gt;" in text
    assert "older one" not in text


def test_old_runs_are_forgotten():
    for number in range(KEPT_PER_KIND + 5):
        note_run(Run.Kind.MAIL, f"mail {number}")
    assert Run.objects.count() == KEPT_PER_KIND
    assert not Run.objects.filter(text="mail 4").exists()


def test_lines_of_the_worker_are_escaped(dora, feed, tmp_path):
    (tmp_path / "worker.log").write_text("<script>alert(1)</script>\n")
    with override_settings(BASE_DIR=tmp_path, WORKER_LOG="worker.log"):
        assert "&lt;script&gt;alert(1)" in text_of(client_of(dora))


def test_a_database_has_a_size():
    assert system.database_bytes() >= 0
    assert all(isinstance(fact, Fact) for fact in [*system.computer(), *system.versions()])


def test_a_host_without_proc_tells_less(monkeypatch):
    assert system._kilobytes("/nowhere", "MemTotal") is None


# ---- broker and worker -----------------------------------------------------------------------------------------------


def test_a_host_that_tells_no_load_has_a_page(dora, feed, monkeypatch):
    def unknown():
        raise OSError

    monkeypatch.setattr(system.os, "getloadavg", unknown)
    assert "load of the last" not in text_of(client_of(dora))


def test_a_broker_that_is_away_is_said(feed, time):
    time.now += 5
    assert feed.trouble() is Trouble.BROKER
    assert facts(feed)["broker"].is_bad
    assert facts(feed)["worker"].is_bad


def test_a_heart_beat_is_told_with_its_age(feed, time):
    feed.take(Connected())
    hear(feed, Received=10, Sent=8, **{"Backend host": "pi", "Backend IP": "10.0.0.2"})
    time.now += 3
    told = facts(feed)
    assert (told["worker"].text, told["worker"].is_bad) == ("last heart-beat 3 seconds ago", False)
    assert told["worker's computer"].text == "pi (10.0.0.2)"


def test_rates_are_of_the_last_minute(feed, time):
    feed.take(Connected())
    for received in range(0, 3000, 100):
        hear(feed, Received=received, Sent=received)
        time.now += 5
    assert str(facts(feed)["in the last minute"].text) == "1,200 messages received, 1,200 sent"


def test_a_worker_that_started_again_counts_from_there(feed, time):
    feed.take(Connected())
    for received in (500, 7):
        hear(feed, Received=received, Sent=received)
        time.now += 5
    assert "–" in facts(feed)["in the last minute"].text


@pytest.mark.parametrize("counts", [{}, {"Received": "many", "Sent": None}, {"Received": 1, "Sent": {}}])
def test_nonsense_in_a_heart_beat_is_not_counted(feed, counts):
    feed.take(Connected())
    hear(feed, **counts)
    assert feed.beats() == ()


# ---- the copy --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_copy_is_downloaded_and_noted(dora, tmp_path):
    with override_settings(BASE_DIR=tmp_path):
        response = client_of(dora).post(f"{ADDRESS}copy/")
        content = b"".join(response.streaming_content)
    assert response["Content-Disposition"].startswith('attachment; filename="fabomatic-')
    if response["Content-Disposition"].endswith('.gz"'):
        content = gzip.GzipFile(fileobj=io.BytesIO(content)).read()
    assert content.startswith((b"SQLite format 3", b"PGDMP"))
    assert Run.objects.get().is_ok


def test_looking_at_the_address_copies_nothing(dora):
    assert client_of(dora).get(f"{ADDRESS}copy/").status_code == 405


def test_a_copy_that_failed_is_said_and_noted(dora, feed, tmp_path):
    (tmp_path / "var").write_text("in the way")
    with override_settings(BASE_DIR=tmp_path):
        page = client_of(dora).post(f"{ADDRESS}copy/", follow=True).content.decode()
    assert "could not be written" in page
    assert not Run.objects.get().is_ok
