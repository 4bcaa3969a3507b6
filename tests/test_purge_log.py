"""Old entries of the log: those about people go, of the others stays what was done to the thing."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from machines.models import Authorization, Machine, Use
from members.changes import note, said, sentences, value
from members.models import Card, Change, Member, Role
from tests.conftest import NOW
from tests.purging import CUTOFF, SECOND, purged, would_purge

pytestmark = pytest.mark.django_db
OLD = CUTOFF - SECOND


@pytest.fixture
def note_old(dora):
    def note_old(thing, *values, at=OLD, **part):
        details = [{"did": "changed", **part, "values": list(values)}]
        return note(dora.pk, thing, Change.Kind.CHANGED, details, at=at)

    return note_old


def left(change):
    change.refresh_from_db()
    return sentences(change, sees_people=True)


def test_old_entries_about_people_cards_and_authorizations_go(note_old, ada, laser):
    for thing in (ada, ada.cards.get(), Authorization.objects.get()):
        note_old(thing, value("note", "a", "b", personal=True))
    young = note_old(ada, at=CUTOFF)
    assert purged() == {"changes about people deleted": 3}
    assert Change.objects.get() == young


def test_entries_about_kinds_of_things_that_are_no_more_go(dora):
    gone = ContentType.objects.create(app_label="newsletter", model="letter")
    of_django = ContentType.objects.get_for_model(LogEntry)
    for kind in (None, gone, of_django):
        Change.objects.create(at=OLD, member=dora, content_type=kind, object_repr="Ada Lovelace", kind="deleted")
    assert purged() == {"changes about people deleted": 3}


def test_others_lose_their_author_and_keep_what_was_done(note_old, laser):
    entry = note_old(
        laser,
        value("name", "Laser", "Big laser"),
        value("Blocked", False, True),
        value("seconds before the first use here", 0, 3600),
        value("type", "Printer", "Laser cutter"),
    )
    before = left(entry)
    assert purged() == {"other changes made anonymous": 1}
    assert left(entry) == before
    assert (entry.member, entry.at, entry.object_repr) == (None, OLD, "Laser (7)")


@pytest.mark.parametrize("label", ["reason", "Reason", "note", "member", "granted by", "a label of long ago", ""])
def test_what_people_wrote_or_who_it_was_goes_marked_or_not(note_old, laser, label):
    entry = note_old(laser, value(label, None, "ask Ada"), value(label, "Ada", "Bruno", personal=True))
    purged()
    assert "Ada" not in str(entry.__class__.objects.values_list("details", flat=True).get(pk=entry.pk))
    assert all(sentence.endswith(": …") for sentence in left(entry))
    assert len(left(entry)) == 2


def test_whom_a_part_names_goes(note_old, laser):
    entry = note_old(laser, name="authorization", object="Ada Lovelace – Laser (7)", personal=True)
    other = note_old(laser, value("every … hours of use", 10, 20), name="maintenance plan", object="Lens (Laser)")
    purged()
    assert left(entry) == ["Authorization “…” changed"]
    assert left(other) == ["Maintenance plan “Lens (Laser)” changed", "Every … hours of use: 10 → 20"]


def test_our_own_sentences_stay_and_djangos_go(dora, laser):
    ours = note(dora.pk, laser, Change.Kind.CHANGED, said("Asked the board from afar to stop."), at=OLD)
    taken_over = [{"did": "said", "text": "Changed Ada's rights", "personal": True}]
    djangos = note(dora.pk, laser, Change.Kind.CHANGED, taken_over, at=OLD)
    purged()
    assert left(ours) == ["Asked the board from afar to stop."]
    assert "Ada" not in str(left(djangos) + djangos.details)


@pytest.mark.parametrize("details", [[], {}, "text", ["text", None], [{"did": "changed"}]], ids=str)
def test_details_of_any_kind_are_survived(dora, laser, details):
    kind = ContentType.objects.get_for_model(Machine)
    Change.objects.create(at=OLD, member=dora, content_type=kind, object_repr="Laser", kind="changed", details=details)
    assert purged() == {"other changes made anonymous": 1}
    assert purged() == {}


def test_the_second_time_nothing_is_even_read(note_old, laser, django_assert_num_queries):
    for _entry in range(3):
        note_old(laser, value("name", "Laser", "Big laser"))
    assert purged() == {"other changes made anonymous": 3}
    before = list(Change.objects.values())
    assert would_purge() == purged() == {}
    assert list(Change.objects.values()) == before


def test_who_writes_the_mark_into_a_field_is_purged_all_the_same(note_old, laser):
    entry = note_old(laser, value("reason", None, '{"did": "purged"}'))
    Change.objects.update(member=None)
    assert purged() == {"other changes made anonymous": 1}
    assert left(entry) == ["Reason: …"]


def test_younger_entries_of_things_keep_everything(note_old, laser, dora):
    entry = note_old(laser, value("reason", None, "ask Ada"), at=CUTOFF)
    assert purged() == {}
    assert left(entry) == ["Reason: ask Ada"]
    assert entry.member == dora


def test_all_our_kinds_of_things_are_of_one_sort_or_the_other(note_old, dora, laser, make_use):
    """A use is a thing, though somebody's; a card is somebody's."""
    things = {Role: dora.role, Use: make_use(laser), Member: dora, Card: dora.cards.get()}
    for thing in things.values():
        note_old(thing)
    purged()
    kept = {change.content_type.model_class() for change in Change.objects.all()}
    assert kept == {Role, Use}


def test_djangos_own_log_of_older_versions_goes_by_age(dora):
    kind = ContentType.objects.get_for_model(Member)
    for at in (OLD, CUTOFF):
        entry = LogEntry.objects.create(user=dora, content_type=kind, object_repr="Ada", action_flag=2)
        LogEntry.objects.filter(pk=entry.pk).update(action_time=at)
    assert purged() == {"entries of Django's log deleted": 1}
    assert LogEntry.objects.get().action_time == CUTOFF < NOW
