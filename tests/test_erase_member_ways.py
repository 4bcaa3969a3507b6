"""Erasing by command and in the administration: asked twice, and said what was done."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from machines.models import Use
from members.models import Change, Member
from tests.conftest import NOW
from tests.member_desk import told
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


def is_there(member) -> bool:
    return Member.objects.filter(pk=member.pk, is_active=True).exists()


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nudged(monkeypatch):
    nudges = []
    monkeypatch.setattr("fabomatic.management.commands.erase_member.nudge_now", lambda: nudges.append(1))
    return nudges


@pytest.fixture
def answers(monkeypatch):
    """What somebody types, in turn; then nobody is there any more."""
    waiting: list[str] = []

    def answer(question: str) -> str:
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    return waiting


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("erase_member", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("name", ["Lovelace", " lovelace ", "ada  LOVELACE", "ada@example.org"])
def test_the_command_asks_twice_and_says_what_was_done(ada, laser, make_use, answers, nudged, name):
    make_use(laser, member=ada, card_uid=ada.uid)
    answers += ["yes", name]
    said = run("ada@example.org")
    assert "Ada Lovelace, ada@example.org" in said
    assert "Goes for ever: cards 1, authorizations 1" in said
    assert "Stays, without name and card: uses 1" in said
    assert f"Member {ada.pk} was erased." in said
    assert "uses without name and card: 1" in said
    assert not is_there(ada)
    assert nudged == [1]


@pytest.mark.parametrize("typed", [[], ["no"], [""], ["yes"], ["yes", "Ada"], ["yes", ""], ["y", "Lovelace"]])
def test_anything_else_erases_nobody(ada, answers, nudged, typed):
    answers += typed
    with pytest.raises(CommandError, match="othing was erased"):
        run("ada@example.org")
    assert is_there(ada)
    assert not nudged


def test_scripts_say_it_twice_as_well(ada, answers):
    for half in ("--no-input", "--really"):
        with pytest.raises(CommandError, match="go together"):
            run("ada@example.org", half)
    assert is_there(ada)
    run("ada@example.org", "--no-input", "--really")
    assert not is_there(ada)


def test_the_command_gives_its_reason_before_it_asks(dora, ada, answers):
    with pytest.raises(CommandError, match="in charge"):
        run("dora@example.org")
    with pytest.raises(CommandError, match="no member"):
        run("nobody@example.org")


def test_somebody_with_one_name_is_named_by_it(hugo, answers):
    answers += ["yes", "hugo"]
    run(f"#{hugo.pk}")
    assert not is_there(hugo)


# ---- the administration ----------------------------------------------------------------------------------------------


def address(member) -> str:
    return reverse("admin:member_erase", args=[member.pk])


@pytest.fixture
def boss(dora):
    return client_of(dora)


@pytest.fixture
def clerk(make_member):
    """May see and delete members, and what goes with them; no more."""
    role = backend_role("Clerks", "view_member", "delete_member", "delete_card", "delete_authorization")
    return client_of(make_member("Cleo", role=role))


def test_their_page_leads_there(boss, ada):
    assert address(ada) in boss.get(page(Member, "change", ada.pk)).content.decode()


def test_the_first_page_says_what_goes_and_what_stays(boss, ada, laser, make_use):
    make_use(laser, member=ada)
    response = boss.get(address(ada))
    fate = response.context["fate"]
    assert (dict(fate.goes), dict(fate.stays)) == ({"cards": "1", "authorizations": "1"}, {"uses": "1"})
    assert reverse("admin:member_export", args=[ada.pk]) in response.content.decode()
    assert is_there(ada)


def test_the_second_page_asks_for_the_name(boss, ada):
    assert "<b>Lovelace</b>" in boss.post(address(ada), {"step": "name"}).content.decode()
    assert is_there(ada)


@pytest.mark.parametrize("name", ["", "Ada", "Lovelac", "yes"])
def test_a_wrong_name_erases_nobody(boss, ada, name):
    response = boss.post(address(ada), {"step": "erase", "name": name})
    assert "That is not their name" in response.content.decode()
    assert is_there(ada)


def test_with_the_name_they_are_erased_and_the_counts_said(boss, ada, laser, make_use):
    make_use(laser, member=ada)
    boss.post(address(ada), {"step": "erase", "name": "lovelace"})
    assert not is_there(ada)
    assert told(boss) == [
        f"Member {ada.pk} was erased (uses without name and card: 1; cards, authorizations and mails deleted: 2)."
    ]
    assert boss.get(address(ada)).status_code == 404


def test_at_a_machine_that_runs_they_are_refused_on_each_page(boss, ada, laser):
    Use.objects.create(machine=laser, member=ada, card_uid=ada.uid, started_at=NOW)
    for sent in ({}, {"step": "name"}, {"step": "erase", "name": "Lovelace"}):
        content = boss.post(address(ada), sent).content.decode()
        assert "using a machine right now" in content
        assert 'name="step"' not in content
    assert is_there(ada)


def test_looking_and_half_a_form_erase_nobody(boss, ada):
    for sent in ({"name": "Lovelace"}, {"step": "no", "name": "Lovelace"}):
        assert boss.post(address(ada), sent).status_code == 200
    assert boss.get(address(ada), {"step": "erase", "name": "Lovelace"}).status_code == 200
    assert is_there(ada)


def test_a_form_from_elsewhere_erases_nobody(ada, dora):
    boss = client_of(dora)
    boss.handler.enforce_csrf_checks = True
    assert boss.post(address(ada), {"step": "erase", "name": "Lovelace"}).status_code == 403
    assert is_there(ada)


def test_who_may_delete_members_may_erase_ordinary_ones(clerk, ada, carla):
    assert clerk.post(address(carla), {"step": "erase", "name": "Scarpa"}).status_code == 403
    assert clerk.post(address(ada), {"step": "erase", "name": "Lovelace"}).status_code == 302
    assert (is_there(carla), is_there(ada)) == (True, False)


@pytest.mark.parametrize("codenames", [["view_member", "change_member"], ["delete_member"]])
def test_who_may_not_delete_them_may_not_erase_them(make_member, ada, codenames):
    staff = client_of(make_member("Cleo", role=backend_role("Others", *codenames)))
    assert staff.get(address(ada)).status_code == 403
    assert staff.post(address(ada), {"step": "erase", "name": "Lovelace"}).status_code == 403
    assert is_there(ada)


def test_who_may_not_delete_what_goes_with_them_may_not_erase_them(make_member, ada, bruno):
    bruno.cards.all().delete()
    staff = client_of(make_member("Cleo", role=backend_role("Others", "view_member", "delete_member")))
    for member, name in ((ada, "Lovelace"), (bruno, "Munari")):
        assert staff.post(address(member), {"step": "erase", "name": name}).status_code == 403
        assert is_there(member)


def test_the_log_of_the_administration_names_nobody(boss, ada):
    boss.post(address(ada), {"step": "erase", "name": "Lovelace"})
    assert "Lovelace" not in boss.get(page(Change, "changelist")).content.decode()


def test_deleting_says_that_the_log_keeps_the_name_and_offers_erasing(boss, ada):
    content = boss.get(page(Member, "delete", ada.pk)).content.decode()
    assert "It keeps the name until it is purged" in content
    assert address(ada) in content


def test_the_pages_come_in_italian_too(boss, ada):
    for sent in ({}, {"step": "name"}, {"step": "erase", "name": "?"}):
        assert boss.post(address(ada), sent, headers={"accept-language": "it"}).status_code == 200
