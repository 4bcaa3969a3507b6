"""After erasing somebody their name, e-mail and cards are nowhere; what is other people's is as it was."""

import json

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models

from fabomatic.models import Notice, Run
from fabomatic.privacy.erasing import erase
from fabomatic.privacy.scrubbing import KEPT, models_with_text, text_columns
from fabomatic.privacy.words import Words
from machines.models import Authorization, Intervention, Machine, Use
from members.apps import OUR_APPS
from members.changes import note, state_of, value
from members.fields import CardUidField
from members.models import Agreement, Card, Change, Member
from telemetry.models import Board, Downtime, Screen, Tap
from tests.conftest import NOW, UIDS

pytestmark = pytest.mark.django_db
WORDS = ("ada lovelace", "ada@example.org", UIDS["ada"])
TEXT = "Ada Lovelace <ada@example.org> 0A:1B:2C:3D"


@pytest.fixture
def lab(ada, bruno, dora, laser, printer, make_use, make_plan):
    """A row of every table, and in every column that holds text all that tells who Ada is."""
    plan = make_plan(laser)
    make_use(laser, member=bruno, card_uid=bruno.uid)
    make_use(laser, member=ada, card_uid=ada.uid, hours_ago=5)
    Intervention.objects.create(plan=plan, member=bruno, at=NOW)
    Tap.objects.create(at=NOW, machine=laser, uid=bruno.uid, member=bruno, outcome="granted")
    Tap.objects.create(at=NOW, machine=laser, uid=ada.uid, outcome="unknown_card")
    Board.objects.create(serial="A1", machine=laser)
    Screen.objects.create(name="Entrance")
    Downtime.objects.create(machine=laser, kind="offline", started_at=NOW)
    Agreement.objects.create(version=1, text="We keep little.")
    Run.objects.create(kind="purge", text="done")
    Notice.objects.create(kind="summary", member=bruno, about="2026-W10")
    note(dora.pk, laser, Change.Kind.CHANGED, [])
    kind = ContentType.objects.get_for_model(Machine)
    LogEntry.objects.create(user=dora, content_type=kind, object_id="7", object_repr="Laser", action_flag=2)
    for model in models_with_text():
        _plant(model)
    Authorization.objects.create(member=bruno, machine=printer, granted_by=ada)
    ada.refresh_from_db()
    return ada


def _plant(model):
    rows = model._default_manager.all()
    assert rows.exists(), f"{model.__name__} has no row to plant something in"
    if model is Member:
        rows = rows.exclude(first_name="Ada")
    for place, row in enumerate(rows):
        for field in text_columns(model):
            if field.name == "email" or (field.unique and isinstance(field, CardUidField)):
                continue
            words = [{"did": "said", "text": TEXT, "values": [{"deep": [TEXT]}]}] if _is_json(field) else _short(field)
            if field.unique:  # once struck, they are the same
                words = (str.upper, str.lower, str.title)[place](words)
            model._default_manager.filter(pk=row.pk).update(**{field.name: words})


def _is_json(field):
    return isinstance(field, models.JSONField)


def _short(field):
    if isinstance(field, CardUidField):
        return UIDS["ada"]
    return TEXT if field.max_length is None or field.max_length >= len(TEXT) else "ADA  LOVELACE"


def everything() -> str:
    """All text of all our tables, and of the log that Django's admin has."""
    tables = [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]
    return "\n".join(
        json.dumps(row, default=str, ensure_ascii=False)
        for model in [*tables, LogEntry]
        for row in model._default_manager.values()
    )


def left_of(words: tuple[str, ...] = WORDS) -> list[str]:
    lines = [" ".join(line.replace(":", "").casefold().split()) for line in everything().splitlines()]
    return [f"{word} in {line}" for line in lines for word in words if word in line]


def test_every_text_was_planted(lab):
    for model in models_with_text():
        texts = str(list(model._default_manager.values())).casefold()
        assert "lovelace" in texts or UIDS["ada"] in texts, model
    assert len(left_of()) > 50


def test_nothing_of_them_is_left_in_any_text_of_any_table(lab, dora):
    erase(lab, dora.pk, NOW)
    assert left_of() == []


def test_what_holds_no_words_of_theirs_stays_byte_for_byte(ada, bruno, carla, dora, laser, make_use, make_plan):
    make_use(laser, member=bruno, card_uid=bruno.uid, note="Ada's idea; Adan Lovelacer, bada@example.org, 0a1b2c3d4")
    Intervention.objects.create(plan=make_plan(laser, "Adapt it"), member=carla, at=NOW, note="Lovelace was right")
    Tap.objects.create(at=NOW, machine=laser, uid=bruno.uid, member=bruno, outcome="granted")
    Member.objects.filter(pk=bruno.pk).update(notes="a friend of Ada; ada@example.org.uk")
    for thing in (bruno, carla, laser, bruno.authorizations.get()):
        note(dora.pk, thing, Change.Kind.CHANGED, [{"did": "changed", "values": state_of(thing)}])
    before = {model: _rows_without(model, ada) for model in _tables()}
    erase(ada, dora.pk, NOW)
    assert {model: _rows_without(model, ada) for model in _tables()} == before


def _tables():
    return [model for label in OUR_APPS for model in apps.get_app_config(label).get_models()]


def _rows_without(model, ada):
    rows = model._default_manager.order_by("pk")
    if model is Member:
        rows = rows.exclude(pk=ada.pk)
    elif model in (Card, Authorization):
        rows = rows.exclude(member_id=ada.pk).exclude(member=None)
    elif model is Change:
        rows = rows.exclude(object_repr=str(ada.pk))
    return list(rows.values())


def test_an_agreement_stays_what_people_agreed_to(ada, dora):
    Agreement.objects.create(version=1, text="Ask Ada Lovelace.")
    erase(ada, dora.pk, NOW)
    assert Agreement.objects.get().text == "Ask Ada Lovelace."
    assert {(Agreement, "text")} == KEPT


# ---- the log of changes ----------------------------------------------------------------------------------------------


def test_the_log_about_them_keeps_which_fields_changed_and_no_value(ada, dora):
    note(dora.pk, ada, Change.Kind.CHANGED, [{"did": "changed", "values": [value("notes", "shy", "less shy")]}])
    card, right = ada.cards.get(), ada.authorizations.get()
    for thing in (card, right):
        note(dora.pk, thing, Change.Kind.ADDED, [{"did": "added", "values": state_of(thing)}])
    erase(ada, dora.pk, NOW)
    *about, erased = Change.objects.order_by("pk")
    assert {change.object_repr for change in about} == {"…"}
    assert about[0].details == [{"did": "changed", "values": [{"field": "notes", "old": "…", "new": "…"}]}]
    assert {entry["new"] for change in about[1:] for entry in change.details[0]["values"]} == {None}
    assert erased.object_repr == erased.object_id == str(ada.pk)


def test_cards_of_theirs_that_were_added_with_them_go_from_the_log(ada, dora):
    old_card = {"did": "deleted", "name": "card", "object": "77777777 (old)", "personal": True, "values": []}
    note(dora.pk, ada, Change.Kind.CHANGED, [old_card])
    note(dora.pk, Card(pk=999, uid="77777777", member=ada), Change.Kind.DELETED, _said_of_card(ada))
    erase(ada, dora.pk, NOW)
    assert left_of(("77777777",)) == []


def _said_of_card(member):
    card = Card(uid="77777777", member=member, created_at=NOW)
    return [{"did": "deleted", "values": state_of(card)}]


def test_a_use_moved_from_them_no_longer_says_from_whom(ada, bruno, dora, laser, make_use):
    use = make_use(laser, member=bruno)
    entry = value("member", "Ada Lovelace", "Bruno Munari", personal=True)
    note(dora.pk, use, Change.Kind.CHANGED, [{"did": "changed", "values": [entry]}])
    erase(ada, dora.pk, NOW)
    (change,) = Change.objects.filter(content_type=ContentType.objects.get_for_model(Use))
    assert change.details[0]["values"] == [value("member", "…", "Bruno Munari", personal=True)]


def test_somebody_with_one_name_leaves_the_fields_that_hold_a_person(hugo, bruno, dora, laser, make_use):
    use = make_use(laser, member=bruno, note="Hugo boss style")
    entry = value("member", "Hugo", "Bruno Munari", personal=True)
    note(dora.pk, use, Change.Kind.CHANGED, [{"did": "changed", "values": [entry]}])
    erase(hugo, dora.pk, NOW)
    change = Change.objects.get(content_type=ContentType.objects.get_for_model(Use))
    assert change.details[0]["values"][0]["old"] == "…"
    assert Use.objects.get().note == "Hugo boss style"


def test_the_log_about_somebody_of_the_same_name_stays(ada, dora, make_member):
    other = make_member("Ada", "77777777", last_name="Lovelace")
    for thing in (other, other.cards.get()):
        note(dora.pk, thing, Change.Kind.ADDED, [{"did": "added", "values": state_of(thing)}])
    before = list(Change.objects.order_by("pk").values())
    erase(ada, dora.pk, NOW)
    assert list(Change.objects.order_by("pk").values())[:-1] == before


# ---- words -----------------------------------------------------------------------------------------------------------


def struck(text: str, first: str = "Ada", last: str = "Lovelace") -> str:
    return Words(first, last, "ada@example.org", ["0a1b2c3d"]).strike(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Ada Lovelace", "ada lovelace", "Lovelace Ada", "LOVELACE, ADA", "Ada \n Lovelace", "ada@example.org"),
        *("ADA@EXAMPLE.ORG", "0a1b2c3d", "0A:1B:2C:3D", "0a 1b 2c 3d", "0A-1B-2C-3D", "0169552957", "1026300682"),
    ],
)
def test_they_are_known_in_every_notation(text):
    assert struck(f"({text}).") == "(…)."


@pytest.mark.parametrize(
    "text",
    [
        *("Ada", "Lovelace", "Adaline Lovelace", "Ada Lovelaces", "Canada Lovelace", "dada@example.org"),
        *("ada@example.org.uk", "x.ada@example.org", "0a1b2c3dff", "f0a1b2c3d", "10169552957"),
    ],
)
def test_what_only_looks_alike_stays(text):
    assert struck(text) == text


def test_a_short_name_counts_only_as_a_whole():
    assert struck("Al said to Al Bo: also all bolts", "Al", "Bo") == "Al said to …: also all bolts"
    assert struck("Al, also known as al", "Al", "") == "Al, also known as al"
