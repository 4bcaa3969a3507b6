"""Rights given to many at once, or copied from one member to others: shown first, done as shown."""

from datetime import date

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client

from machines.models import Authorization, Machine
from members.models import Change, Member
from tests.conftest import NOW
from tests.staff import backend_role, client_of, errors_of, page
from tests.test_admin_authorizations import COPY, GRANT, RIGHTS_WORK

pytestmark = pytest.mark.django_db

JUNE = date(2026, 6, 30)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def asked_for(members, machines, **fields):
    return {"members": [each.pk for each in members], "machines": [each.pk for each in machines], **fields}


def done(client, url, data):
    """Looks at what will happen, and has it done."""
    preview = client.post(url, {**data, "preview": "1"})
    assert "seen" in preview.context, dict(preview.context["adminform"].form.errors)
    return client.post(url, {**data, "do": "1", "seen": preview.context["seen"]})


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


# ---- to many ---------------------------------------------------------------------------------------------------------


def test_what_will_happen_is_shown_and_nothing_has_happened(boss, ada, hugo, laser, printer):
    response = boss.post(GRANT, asked_for([ada, hugo], [laser, printer], valid_until="2026-06-30", preview="1"))
    effects = [str(line["step"].effect) for line in response.context["changing"] + response.context["staying"]]
    assert sorted(effects) == ["kept", "new", "new", "new"]
    assert response.context["counted"] == ["3 new rights", "1 stays as it is"]
    assert "needs none: every member may use this machine" in response.content.decode()
    assert Authorization.objects.count() == 1


def test_rights_are_given_as_they_were_shown(boss, dora, ada, hugo, laser, printer):
    data = asked_for([ada, hugo], [laser, printer], valid_until="2026-06-30", note="Course")
    response = done(boss, GRANT, data)
    assert (response.status_code, told(response)) == (302, ["3 new rights, 1 stays as it is"])
    given = Authorization.objects.filter(granted_by=dora, granted_at=NOW, note="Course", valid_until=JUNE)
    assert given.count() == Change.objects.count() == 3
    assert ada.authorizations.get(machine=laser).valid_until is None


def test_rights_are_shortened_only_when_that_is_ticked(boss, ada, laser):
    done(boss, GRANT, asked_for([ada], [laser], valid_until="2026-06-30", shorten="on"))
    assert ada.authorizations.get().valid_until == JUNE


def test_what_changed_since_it_was_shown_is_shown_again(boss, hugo, laser, printer):
    data = asked_for([hugo], [laser])
    seen = boss.post(GRANT, {**data, "preview": "1"}).context["seen"]
    response = boss.post(GRANT, {**asked_for([hugo], [laser, printer]), "do": "1", "seen": seen})
    assert (response.status_code, Authorization.objects.count()) == (200, 0)
    assert "This is not what was shown before." in response.content.decode()


def test_pressed_twice_is_as_good_as_once(boss, hugo, laser):
    data = asked_for([hugo], [laser])
    sent = {**data, "do": "1", "seen": boss.post(GRANT, {**data, "preview": "1"}).context["seen"]}
    boss.post(GRANT, sent)
    again = boss.post(GRANT, sent)
    assert (again.status_code, Authorization.objects.count(), Change.objects.count()) == (302, 1, 1)
    assert "Nothing to change: all of that is so already." in told(again)


def test_the_past_is_refused_next_to_the_day(boss, hugo, laser):
    response = boss.post(GRANT, asked_for([hugo], [laser], valid_until="2026-03-09", do="1"))
    assert list(errors_of(response)) == ["valid_until"]
    assert not Authorization.objects.exists()


def test_nobody_and_nothing_is_told_next_to_the_fields(boss):
    assert set(errors_of(boss.post(GRANT, {"do": "1"}))) == {"members", "machines"}


def test_too_many_at_once_are_refused_with_a_sentence(boss, everybody, laser_type):
    numbers = range(100, 400)
    Machine.objects.bulk_create(Machine(id=number, name="Many", type=laser_type) for number in numbers)
    people = [member.pk for member in vars(everybody).values()]
    response = boss.post(GRANT, {"members": people, "machines": list(numbers), "preview": "1"})
    assert "These would be 2400 rights. At most 1000 at once, please." in str(errors_of(response))


def test_more_than_a_page_can_send_are_not_chosen(boss, laser_type):
    Machine.objects.bulk_create(Machine(id=number, name="Many", type=laser_type) for number in range(100, 1100))
    everything = {"action": "grant_them", "_selected_action": [100], "select_across": "1"}
    response = boss.post(page(Machine, "changelist"), everything)
    assert "Choose at most 900, please." in told(response)


def test_an_address_with_nonsense_opens_an_empty_page(boss, hugo):
    response = boss.get(GRANT, {"members": [hugo.pk, "x", "9" * 30], "machines": "²"})
    assert response.context["adminform"].form.initial == {"members": [str(hugo.pk)], "machines": []}


@pytest.mark.parametrize("nonsense", ["x", "\0", "9" * 40])
def test_nonsense_instead_of_somebody_is_told_next_to_the_field(boss, laser, nonsense):
    assert "members" in errors_of(boss.post(GRANT, {"members": [nonsense], "machines": [laser.pk]}))
    assert "model" in errors_of(boss.post(COPY, {"model": nonsense, "members": [nonsense]}))


def test_without_javascript_the_machines_are_there_to_pick_from(boss, laser, printer):
    content = boss.get(GRANT).content.decode()
    assert f'<option value="{laser.pk}">' in content
    assert f'<option value="{printer.pk}">' in content


@pytest.mark.parametrize(("model", "action"), [(Member, "grant_to_them"), (Machine, "grant_them")])
def test_members_and_machines_are_chosen_in_their_lists(boss, hugo, laser, model, action):
    row = {Member: hugo, Machine: laser}[model]
    response = boss.post(page(model, "changelist"), {"action": action, "_selected_action": [row.pk]})
    (chosen,) = response.context["adminform"].form.initial.values()
    assert chosen == [row.pk]
    assert f'action="{GRANT}' in response.content.decode()


# ---- copying ---------------------------------------------------------------------------------------------------------


def test_one_members_rights_go_to_another(boss, dora, ada, hugo, printer, authorize):
    authorize(ada, printer, valid_until=JUNE)
    done(boss, COPY, {"model": ada.pk, "members": [hugo.pk], "note": "Like Ada"})
    given = hugo.authorizations.values_list("machine__name", "valid_until", "granted_by", "note")
    assert set(given) == {("Laser", None, dora.pk, "Like Ada"), ("Printer", JUNE, dora.pk, "Like Ada")}


def test_what_cannot_be_copied_is_told_next_to_the_field(boss, ada, bruno, hugo):
    itself = errors_of(boss.post(COPY, {"model": ada.pk, "members": [ada.pk], "preview": "1"}))
    ended = errors_of(boss.post(COPY, {"model": bruno.pk, "members": [hugo.pk], "preview": "1"}))
    assert (itself, ended) == ({"members": ["Choose somebody else."]}, {"model": ["Has no right that is valid today."]})


def test_copying_starts_at_a_member_too(boss, ada):
    response = boss.post(page(Member, "changelist"), {"action": "copy_to_them", "_selected_action": [ada.pk]})
    assert response.context["adminform"].form.initial == {"model": ada.pk}


# ---- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["add_authorization", "view_member", "view_machine"])
@pytest.mark.parametrize("url", [GRANT, COPY])
def test_who_lacks_a_permission_gives_nothing_to_many(make_member, hugo, laser, missing, url):
    half = client_of(make_member("Half", role=backend_role("Half", *(set(RIGHTS_WORK) - {missing}))))
    assert half.get(url).status_code == 403
    assert half.post(url, asked_for([hugo], [laser], do="1")).status_code == 403
    assert not Authorization.objects.exists()


def test_who_may_only_add_extends_nothing(make_member, hugo, laser, authorize):
    authorize(hugo, laser, valid_until=JUNE)
    some = client_of(make_member("Some", role=backend_role("Some", "add_authorization", "view_member", "view_machine")))
    response = some.post(GRANT, asked_for([hugo], [laser], preview="1"))
    assert "You may grant, but not change rights that are there" in response.content.decode()
    done(some, GRANT, asked_for([hugo], [laser]))
    assert hugo.authorizations.get().valid_until == JUNE


def test_nothing_is_given_by_an_address(boss, hugo, laser):
    boss.get(GRANT, asked_for([hugo], [laser], do="1"))
    assert not Authorization.objects.exists()
