"""Names as people write them, names people had before, and names of others in what is handed out."""

import json
import unicodedata
from io import BytesIO
from zipfile import ZipFile

import pytest

from fabomatic.privacy import scrubbing
from fabomatic.privacy.erasing import erase
from fabomatic.privacy.person_export import write
from fabomatic.privacy.words import Words
from machines.models import Authorization, Machine
from members.changes import differences, note, said, state_of
from members.models import Change, Member
from tests.conftest import NOW


@pytest.mark.parametrize(
    "text", ["Zoë D'Amico", "Zoë D’Amico", "zoë d`amico", unicodedata.normalize("NFD", "Zoë D'Amico")]
)
@pytest.mark.parametrize("stored", ["D'Amico", "D’Amico"])
def test_apostrophes_and_accents_are_known_in_each_way_to_write_them(text, stored):
    assert Words("Zoë", stored, None, []).strike(f"{text} was here.") == "… was here."


# ---- what they were called before ------------------------------------------------------------------------------------


@pytest.fixture
def renamed(ada, dora, laser):
    """Ada was Ada Byron with another address; the log has seen it, and a note names her as she was called then."""
    before = Member.objects.get(pk=ada.pk)
    before.last_name, before.email = "Byron", "byron@example.org"
    details = [{"did": "changed", "values": differences(before, ada, ["last_name", "email"])}]
    note(dora.pk, ada, Change.Kind.CHANGED, details)
    return ada


@pytest.mark.django_db
def test_who_was_called_otherwise_leaves_no_former_name_and_address(renamed, dora, laser, bruno):
    note(dora.pk, laser, Change.Kind.CHANGED, said("Byron, Ada <byron@example.org> broke it"))
    right = Authorization(member=bruno, machine=laser)
    gone = note(dora.pk, right, Change.Kind.DELETED, [{"did": "deleted", "values": state_of(right)}])
    Change.objects.filter(pk=gone.pk).update(object_repr="Ada Byron – Laser (7)")
    Machine.objects.filter(pk=laser.pk).update(blocked_reason="byron@example.org, Ada Byron")
    erase(renamed, dora.pk, NOW)
    laser.refresh_from_db()
    left = json.dumps([laser.blocked_reason, *Change.objects.values_list("object_repr", "details")])
    assert "byron" not in left.lower()


@pytest.mark.django_db
def test_a_former_name_that_somebody_else_has_now_stays_theirs(renamed, dora, laser, make_member):
    make_member("Ada", last_name="Byron")
    change = note(dora.pk, laser, Change.Kind.CHANGED, said("Ada Byron broke it"))
    erase(renamed, dora.pk, NOW)
    change.refresh_from_db()
    assert change.details == said("Ada Byron broke it")


@pytest.mark.django_db
@pytest.mark.parametrize("writes", range(1, 4))
def test_killed_between_two_writes_it_still_knows_the_former_name(renamed, dora, laser, monkeypatch, writes):
    for place in range(3):
        note(dora.pk, laser, Change.Kind.CHANGED, said(f"Ada Byron broke it {place} times"))
    Machine.objects.filter(pk=laser.pk).update(blocked_reason="Ada Byron")
    write, left = scrubbing._write, iter(range(writes))

    def killed(model, waiting, *rest):
        if waiting and next(left, None) is None:
            raise KeyboardInterrupt
        write(model, waiting, *rest)

    monkeypatch.setattr(scrubbing, "_pages", _one_by_one)
    monkeypatch.setattr(scrubbing, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        erase(renamed, dora.pk, NOW)
    monkeypatch.undo()
    erase(renamed, dora.pk, NOW)
    laser.refresh_from_db()
    left_over = json.dumps([laser.blocked_reason, *Change.objects.values_list("object_repr", "details")])
    assert "byron" not in left_over.lower()


def _one_by_one(model, worth, names):
    for pk in list(model._default_manager.filter(worth).order_by("pk").values_list("pk", flat=True)):
        yield list(model._default_manager.filter(pk=pk).values(*names))


# ---- others in an export ---------------------------------------------------------------------------------------------


def exported(member) -> str:
    file = BytesIO()
    write(Member.objects.get(pk=member.pk), file, NOW)
    archive = ZipFile(file)
    return archive.read("person.json").decode() + archive.read("person.html").decode()


@pytest.mark.django_db
def test_what_staff_wrote_about_them_comes_without_the_others_it_names(ada, bruno, dora, laser, make_use):
    told = "Friend of Bruno Munari <bruno@example.org>, likes brass"
    Member.objects.filter(pk=bruno.pk).update(email="bruno@example.org")
    ada.notes = told
    ada.save()
    make_use(laser, member=ada, card_uid=ada.uid, note="Munari Bruno helped")
    note(dora.pk, ada, Change.Kind.CHANGED, said(told))
    note(dora.pk, laser, Change.Kind.CHANGED, said("Ada Lovelace and Bruno Munari broke it"))
    content = exported(ada)
    assert "Munari" not in content
    assert "bruno@example.org" not in content
    assert "likes brass" in content
    assert "Ada Lovelace and … broke it" in content


@pytest.mark.django_db
def test_somebody_whose_name_is_a_part_of_theirs_does_not_take_it_away(ada, dora, laser, make_member):
    anna = make_member("Anna Maria", last_name="Rossi")
    make_member("Maria", last_name="Rossi")
    note(dora.pk, anna, Change.Kind.CHANGED, said("Anna Maria Rossi came, not Maria Rossi"))
    assert "Anna Maria Rossi came, not …" in exported(anna)
