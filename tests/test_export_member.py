"""Everything stored about a person, as a ZIP: complete, in their language, and nobody else's name in it."""

import json
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from zipfile import ZipFile

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from fabomatic.models import Notice
from fabomatic.privacy import person_data
from fabomatic.privacy.person_export import write
from machines.models import Authorization, Intervention, Use
from members.apps import OUR_APPS
from members.changes import note, said, state_of, value
from members.exchange import jobs
from members.models import Agreement, Card, Change, Member
from telemetry.models import Screen, Tap
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


def archive_of(member) -> ZipFile:
    file = BytesIO()
    write(Member.objects.get(pk=member.pk), file, NOW)
    return ZipFile(file)


def export(member) -> dict:
    return json.loads(archive_of(member).read("person.json"))


def page_of(member) -> str:
    return archive_of(member).read("person.html").decode()


@pytest.fixture
def traces(ada, bruno, dora, laser, printer, make_use, make_plan, authorize):
    """Of Ada, everywhere something of hers may be stored."""
    agreement = Agreement.objects.create(version=3, text="We keep <little>.", published_by=ada)
    ada.consent_to, ada.consent_at, ada.notes = agreement, NOW, "Likes <b>brass</b>"
    ada.set_password("ada-knows-it")
    ada.save()
    make_use(laser, 3725, member=ada, card_uid=ada.uid, note="with a jig")
    make_use(laser, hours_ago=50, card_uid=ada.uid)
    make_use(laser, hours_ago=80, member=bruno, card_uid=bruno.uid)
    Tap.objects.create(at=NOW - timedelta(days=9), machine=laser, uid=ada.uid, outcome="unknown_card")
    Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, member=ada, outcome="granted", level=1)
    Intervention.objects.create(plan=make_plan(laser), member=ada, at=NOW, note="new lens")
    Notice.objects.create(kind="membership", member=ada, about="2026-04-01", sent_at=NOW, created_at=NOW)
    Screen.objects.create(name="Entrance", created_by=ada, link_hash="a-secret-hash")
    authorize(bruno, printer, granted_by=ada, note="for Bruno Munari")
    Authorization.objects.filter(member=ada).update(granted_by=dora, note="careful")
    AccessAttempt.objects.create(username="ada@example.org", ip_address="192.0.2.7", failures_since_start=3)
    note(dora.pk, ada, Change.Kind.CHANGED, [{"did": "changed", "values": [value("notes", None, "shy")]}])
    note(dora.pk, ada.authorizations.get(), Change.Kind.ADDED, _added(ada.authorizations.get()))
    note(ada.pk, bruno, Change.Kind.CHANGED, [{"did": "changed", "values": state_of(bruno)}])
    moved = value("member", "Ada Lovelace", "Bruno Munari", personal=True)
    note(dora.pk, Use.objects.last(), Change.Kind.CHANGED, [{"did": "changed", "values": [moved]}])
    jobs.make(ada.pk, "member", file_name="people.xlsx", heading=[], rows=[], unknown=[], language="en")
    return ada


def _added(thing):
    return [{"did": "added", "values": state_of(thing)}]


# ---- complete --------------------------------------------------------------------------------------------------------


def test_every_relation_to_a_member_or_their_card_is_exported():
    known = {name for part in person_data.PARTS for name in part.relations}
    there = {
        f"{model._meta.app_label}.{model.__name__}.{field.name}"
        for label in OUR_APPS
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.get_fields()
        if not field.auto_created and field.related_model in (Member, Card)
    }
    assert there == known


def test_every_field_of_a_member_is_exported_but_the_password():
    fields = {field.name for field in Member._meta.get_fields() if not field.auto_created or field.name == "id"}
    assert fields == {column.name for column in person_data.PERSON} - {"has_password", "consent_text"} | {"password"}


@pytest.mark.parametrize("model", [Use, Tap, Intervention, Card])
def test_every_field_of_their_history_is_exported(model):
    by_relation = {relation: part for part in person_data.PARTS for relation in part.relations}
    part = by_relation[f"{model._meta.app_label}.{model.__name__}.member"]
    known = {column.name.removesuffix("_number").removesuffix("_description") for column in part.columns}
    assert {field.name for field in model._meta.concrete_fields} - known <= {"id", "member", "card"}


def test_what_is_stored_is_in_the_file(traces):
    data = export(traces)
    assert data["format"] == "fabomatic-person"
    assert data["exported_at"] == "2026-03-10T13:00:00+01:00"
    person = data["person"]
    assert (person["first_name"], person["role"], person["notes"]) == ("Ada", "Members", "Likes <b>brass</b>")
    assert (person["consent_to"], person["consent_text"]) == (3, "We keep <little>.")
    assert person["has_password"] is True
    assert [card["uid"] for card in data["cards"]] == ["0a1b2c3d"]
    assert data["authorizations"][0] | {"granted_at": ""} == {
        "machine_number": 7,
        "machine_name": "Laser",
        "valid_until": None,
        "granted_at": "",
        "granted_by_you": False,
        "note": "careful",
    }
    assert [use["duration"] for use in data["uses"]] == [600, 3725]
    assert data["uses"][1]["started_at"] == "2026-03-10T11:00:00+01:00"
    assert [tap["outcome"] for tap in data["taps"]] == ["unknown_card", "granted"]
    assert data["interventions"][0]["plan_description"] == "Clean the lens"
    assert data["notices"][0]["about"] == "2026-04-01"
    assert data["granted"] == [{**data["granted"][0], "machine_number": 12}]
    assert data["screens"][0]["name"] == "Entrance"
    assert data["agreements"][0]["version"] == 3
    assert data["failed_logins"][0]["failures"] == 3
    assert data["uploads"] == [{"file_name": "people.xlsx"}]


def test_only_sessions_of_theirs_that_still_count_are_in_it(ada, bruno):
    for member, days in ((ada, 3), (ada, -1), (bruno, 3)):
        session = SessionStore()
        session[SESSION_KEY] = str(member.pk)
        session.save()
        session.model.objects.filter(pk=session.session_key).update(expire_date=NOW + timedelta(days=days))
    assert export(ada)["sessions"] == [{"expires_at": "2026-03-13T13:00:00+01:00"}]


# ---- nothing else ----------------------------------------------------------------------------------------------------


def test_no_secret_and_no_other_persons_name_is_in_it(traces):
    archive = archive_of(traces)
    text = "".join(archive.read(name).decode() for name in archive.namelist())
    secrets = (traces.password, "a-secret-hash")
    others = ("Munari", "Maar", "dora@example.org", "b1b1b1b1")
    assert [word for word in (*secrets, *others) if word in text] == []


def test_changes_tell_what_was_done_to_them_and_by_them(traces, bruno):
    data = export(traces)
    about, right = data["changes_about_you"]
    assert about["details"][0]["values"][0]["new"] == "shy"
    assert not about["by_you"]
    assert {entry["field"]: entry["old"] for entry in right["details"][0]["values"]}["granted by"] == "…"
    (by,) = data["changes_by_you"]
    assert (by["thing"], by["number"], by["what"], by["by_you"]) == ("members.member", str(bruno.pk), "…", True)
    (naming,) = data["changes_naming_you"]
    assert naming["details"][0]["values"][0] | {"personal": 1} == value("member", "Ada Lovelace", "…", personal=1)


def test_what_is_about_somebody_of_the_same_name_is_not_theirs(ada, dora, make_member):
    other = make_member("Ada", "77777777", last_name="Lovelace")
    note(dora.pk, other, Change.Kind.ADDED, _added(other))
    data = export(ada)
    assert data["changes_about_you"] == data["changes_naming_you"] == []


def test_a_sentence_of_somebody_elses_log_is_not_theirs(ada, dora, bruno):
    note(dora.pk, bruno, Change.Kind.CHANGED, said("Sent an invitation."))
    assert export(ada)["changes_naming_you"] == []


# ---- the page --------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def tags_of(page: str) -> list[tuple[str, dict]]:
    parser = Tags()
    parser.feed(page)
    return parser.seen


def test_the_page_needs_nothing_from_elsewhere_and_runs_nothing(traces):
    tags = tags_of(page_of(traces))
    assert not [tag for tag, _attributes in tags if tag in ("script", "link", "img", "iframe", "form")]
    assert not [name for _tag, attributes in tags for name in attributes if name.startswith("on") or name == "src"]
    assert {attributes["href"][0] for tag, attributes in tags if tag == "a"} == {"#"}


def test_the_page_escapes_what_people_wrote(traces):
    Use.objects.update(note="<script>alert(1)</script>")
    Member.objects.filter(pk=traces.pk).update(first_name="<i>Ada</i><!-- parts -->")
    page = page_of(traces)
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<i>" not in page
    assert "Likes &lt;b&gt;brass&lt;/b&gt;" in page


def test_the_page_says_times_and_hours_as_people_do(traces):
    page = page_of(traces)
    assert "10 Mar 2026, 11:00" in page
    assert "1:02 h" in page


def test_the_page_is_in_their_language_whoever_asks(traces):
    Member.objects.filter(pk=traces.pk).update(language="it")
    page = page_of(traces)
    assert '<html lang="it">' in page
    assert '<th scope="col">Tessera' not in page
    assert "Nome" in page
    assert "10 Mar 2026, 11:00" in page
    assert "Utilizzi" in page
    assert json.loads(archive_of(traces).read("person.json"))["taps"][0]["outcome"] == "unknown_card"


def test_without_a_language_of_theirs_it_is_the_labs(traces, settings):
    settings.LANGUAGE_CODE = "it"
    assert '<html lang="it">' in page_of(traces)


# ---- size ------------------------------------------------------------------------------------------------------------


def test_a_long_history_is_asked_for_in_few_questions(ada, laser, django_assert_max_num_queries):
    uses = (
        Use(
            machine=laser,
            member=ada,
            card_uid=ada.uid,
            started_at=NOW - timedelta(hours=number),
            last_seen_at=NOW,
            ended_at=NOW - timedelta(hours=number),
            duration=0,
            end_reason="stop",
        )
        for number in range(3000)
    )
    Use.objects.bulk_create(uses, batch_size=500)
    with django_assert_max_num_queries(80):
        assert len(export(ada)["uses"]) == 3000
