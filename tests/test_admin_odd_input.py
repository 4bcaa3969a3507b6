"""What a forged form or address says instead of a number does nothing, and is no error of the server."""

import pytest

from machines.models import Authorization, Intervention, Machine, MaintenancePlan, Use
from members.models import Card, Member
from tests.staff import client_of, errors_of, page, save

pytestmark = pytest.mark.django_db
ODD = ["9" * 30, "x", "1\0", "-1", "", "٣"]


@pytest.fixture
def boss(dora):
    return client_of(dora)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("model", "action"),
    [(Member, "disable"), (Member, "delete_selected"), (Machine, "delete_selected"), (Card, "delete_selected")],
)
def test_an_action_on_nothing_that_can_be_there_does_nothing(boss, laser, ada, model, action, odd):
    before = model.objects.count()
    answer = boss.post(page(model, "changelist"), {"action": action, "_selected_action": [odd], "post": "yes"})
    assert answer.status_code in (200, 302)
    assert model.objects.count() == before


def test_what_stands_beside_it_is_done(boss, ada, bruno):
    chosen = {"action": "disable", "_selected_action": [str(ada.pk), "9" * 30], "post": "yes", "sure": "yes"}
    assert boss.post(page(Member, "changelist"), chosen).status_code in (200, 302)


@pytest.mark.parametrize("odd", ["9" * 30, "1,x", "1\0"])
@pytest.mark.parametrize("model", [Member, Machine, Card, Authorization])
def test_a_list_filtered_by_nonsense_says_so(boss, laser, model, odd):
    answer = boss.get(page(model, "changelist"), {"id__in": odd})
    assert answer.status_code in (200, 302, 400)


@pytest.mark.parametrize("odd", ODD)
def test_a_forged_machine_in_a_members_form_is_a_mistake_of_the_form(boss, ada, laser, odd):
    rows = {"authorizations-TOTAL_FORMS": "2", "authorizations-1-machine": odd, "authorizations-1-note": "x"}
    assert save(boss, page(Member, "change", ada.pk), **rows).status_code == 200
    assert Authorization.objects.filter(member=ada).count() == 1


def test_the_same_card_twice_in_a_members_form_says_what_to_do(boss, hugo):
    rows = {"cards-TOTAL_FORMS": "3", "cards-1-uid": "aabbccdd", "cards-2-uid": "AA:BB:CC:DD"}
    text = save(boss, page(Member, "change", hugo.pk), **rows).content.decode()
    assert "stands here twice" in text
    assert not Card.objects.filter(uid="aabbccdd").exists()


@pytest.mark.parametrize(("day", "words"), [("0001-01-01", "before the year 2000"), ("9999-12-31", "in the future")])
@pytest.mark.parametrize(
    ("model", "field", "more"),
    [
        (Use, "started_at", {"ended_at_0": "2026-01-01", "ended_at_1": "10:00:00"}),
        (Use, "started_at", {"lasted": "1:00"}),
        (Intervention, "at", {}),
        (MaintenancePlan, "last_work_at", {"description": "Oil it", "hours_between": "5"}),
    ],
)
def test_a_year_that_nobody_means_is_refused_beside_it(boss, laser, make_plan, model, field, more, day, words):
    given = {"machine": laser.pk, "plan": make_plan(laser).pk, f"{field}_0": day, f"{field}_1": "10:00:00", **more}
    assert words in errors_of(save(boss, page(model, "add"), **given))[field][0]
