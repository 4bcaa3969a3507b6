"""Which rule answers which message, as a board sees it."""

from datetime import timedelta

import pytest

from machines.models import Use
from members.models import Card
from tests.at_the_desk import Lab
from tests.conftest import NOW, UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db

ADA, CARLA, DORA = UIDS["ada"], UIDS["carla"], UIDS["dora"]


@pytest.fixture
def lab(everybody, laser, printer):
    return Lab()


# ---- checkuser -------------------------------------------------------------------------------------------------------

LASER = {
    "ada": ("granted", 1, False),
    "bruno": ("authorization_expired", 0, True),
    "carla": ("granted", 2, False),
    "dora": ("granted", 3, False),
    "enzo": ("member_inactive", 0, False),
    "flora": ("lost_card", 0, False),
    "gino": ("membership_expired", 0, False),
    "hugo": ("not_authorized", 0, True),
}


@pytest.mark.parametrize("who", LASER)
def test_a_tap_is_decided_and_noted_with_its_reason(lab, who):
    outcome, level, missing_auth = LASER[who]
    reply = lab.tap(7, UIDS[who])
    assert (reply["request_ok"], reply["level"], reply["missing_auth"]) == (True, level, missing_auth)
    assert reply["is_valid"] is (outcome == "granted")
    assert [tap.outcome for tap in lab.taps()] == [outcome]


def test_an_unknown_card_is_decided_and_refused(lab):
    reply = lab.tap(7, UNKNOWN_UID)
    assert reply == {"request_ok": True, "is_valid": False, "name": "", "level": 0, "missing_auth": False}


def test_the_board_greets_by_name(lab):
    assert lab.tap(7, ADA)["name"] == "Ada Lovelace"


def test_a_name_is_ascii_on_the_board_and_itself_in_the_database(lab, make_member, roles):
    member = make_member("Jürgen", "0000abcd", role=roles.staff, last_name="Übelåker")
    assert lab.tap(7, "0000abcd")["name"].isascii()
    member.refresh_from_db()
    assert member.first_name == "Jürgen"


@pytest.mark.parametrize("typed", ["AA:BB:CC:DD", "aa-bb-cc-dd", "AA BB CC DD", "aabbccdd", " AABBCCDD "])
def test_a_card_is_found_however_it_was_typed_in_the_admin(lab, ada, typed):
    card = Card(uid=typed, member=ada)
    card.full_clean()
    card.save()
    assert lab.tap(7, "aabbccdd")["is_valid"] is True


@pytest.mark.parametrize("sent", ["AABBCCDD", "AA:BB:CC:DD", "aA bB cC dD"])
def test_a_card_is_found_however_the_board_writes_it(lab, ada, sent):
    Card.objects.create(uid="aabbccdd", member=ada)
    assert lab.tap(7, sent)["is_valid"] is True


def test_a_blocked_machine_refuses_members_and_lets_those_decide_who_authorize_all(lab, laser):
    laser.is_blocked = True
    laser.save()
    assert lab.tap(7, ADA)["is_valid"] is False
    assert lab.tap(7, DORA)["is_valid"] is True
    assert lab.ask(7, "checkmachine")["allowed"] is False


def test_a_change_in_the_admin_counts_at_the_next_tap(lab, ada, laser):
    assert lab.tap(7, ADA)["is_valid"] is True
    ada.authorizations.all().delete()
    assert lab.tap(7, ADA)["missing_auth"] is True


# ---- checkmachine ----------------------------------------------------------------------------------------------------


def test_the_board_hears_how_its_machine_is_set_up(lab, laser):
    assert lab.ask(7, "checkmachine") == {
        "request_ok": True,
        "is_valid": True,
        "maintenance": False,
        "allowed": True,
        "name": "Laser",
        "logoff": 60,
        "type": laser.type_id if laser.type_id < 256 else 0,
        "grace": 2,
        "description": "",
    }


def test_the_board_shows_the_most_overdue_maintenance(lab, laser, make_plan):
    make_plan(laser, "Lens", lcd_message="Lens", days_between=10, last_work_at=NOW - timedelta(days=11))
    make_plan(laser, "Belt", lcd_message="Belt", days_between=10, last_work_at=NOW - timedelta(days=30))
    reply = lab.ask(7, "checkmachine")
    assert (reply["maintenance"], reply["description"]) == (True, "Belt")


@pytest.mark.parametrize("type_id", [256, 70000])
def test_a_type_number_that_a_board_cannot_hold_is_0(lab, laser, type_id):
    laser.type.__class__.objects.create(id=type_id, name="Odd")
    laser.type_id = type_id
    laser.save()
    assert lab.ask(7, "checkmachine")["type"] == 0


# ---- use -------------------------------------------------------------------------------------------------------------


def use(lab, uid, seconds, machine=7):
    lab.ask(machine, "startuse", uid=uid)
    lab.time.travel(seconds)
    return lab.ask(machine, "stopuse", uid=uid, duration=seconds)


def test_a_use_is_recorded_with_its_member_and_its_hours(lab, ada, laser, odometer):
    assert use(lab, ADA, 600) == {"request_ok": True, "message": ""}
    (recorded,) = Use.objects.all()
    assert (recorded.member, recorded.duration, recorded.is_replay) == (ada, 600, False)
    assert odometer(laser) == 600


def test_a_use_by_who_may_not_is_recorded_with_a_note_and_answered_true(lab, hugo):
    assert lab.ask(7, "startuse", uid=hugo.uid)["request_ok"] is True
    recorded = Use.objects.get()
    assert recorded.member == hugo
    assert "authorization" in recorded.note


def test_a_lost_start_is_made_good_by_the_next_sign_of_life(lab, ada):
    lab.ask(7, "inuse", uid=ADA, duration=90)
    assert Use.objects.get().started_at == NOW - timedelta(seconds=90)


def test_a_stop_without_a_start_counts_once(lab, laser, odometer):
    for _time in range(3):
        assert lab.ask(7, "stopuse", uid=ADA, duration=600)["request_ok"] is True
    assert odometer(laser) == 600


def test_the_stop_of_another_card_leaves_ada_what_she_used(lab, laser, odometer, true_odometer):
    lab.ask(7, "startuse", uid=ADA)
    lab.time.travel(300)
    lab.ask(7, "inuse", uid=ADA, duration=300)
    lab.time.travel(60)
    lab.ask(7, "stopuse", uid=CARLA, duration=20)
    assert {use.card_uid: use.duration for use in Use.objects.all()} == {ADA: 300, CARLA: 20}
    assert odometer(laser) == true_odometer(laser) == 320


def test_a_start_and_a_stop_of_an_hour_replayed_together_are_one_hour_in_the_past(lab, laser, odometer):
    lab.ask(7, "startuse", uid=ADA, replay=True)
    lab.time.travel(0.1)
    lab.ask(7, "stopuse", uid=ADA, duration=3600, replay=True)
    (recorded,) = Use.objects.all()
    assert (recorded.duration, recorded.is_replay) == (3600, True)
    assert recorded.ended_at <= lab.time.clock()
    assert odometer(laser) == 3600


def test_a_print_of_three_days_keeps_its_hours(lab, laser, odometer):
    use(lab, ADA, 3 * 86400)
    assert odometer(laser) == 3 * 86400


def report_for(lab, seconds, every=30, drift=0.0):
    """Signs of life as the board counts them, then a stop a second after the last."""
    for second in range(every, seconds + 1, every):
        lab.time.travel(every)
        lab.ask(7, "inuse", uid=ADA, duration=int(second * (1 - drift)))
    lab.time.travel(1)
    lab.ask(7, "stopuse", uid=ADA, duration=int((seconds + 1) * (1 - drift)))


def test_a_print_of_days_counts_once_although_two_clocks_drift(lab, laser, odometer):
    lab.ask(7, "startuse", uid=ADA)
    report_for(lab, 5 * 86400, every=600, drift=60e-6)
    assert [use.duration for use in Use.objects.all()] == [odometer(laser)] == [int((5 * 86400 + 1) * (1 - 60e-6))]


@pytest.mark.parametrize("hours", [4, -4])
def test_a_clock_that_is_set_during_a_use_changes_no_hours(lab, laser, odometer, hours):
    """A Pi without a battery clock learns the time some minutes after it has started."""
    lab.ask(7, "startuse", uid=ADA)
    before = lab.time.clock
    lab.desk._clock = lambda: before() + timedelta(hours=hours)
    report_for(lab, 600)
    assert [use.duration for use in Use.objects.all()] == [odometer(laser)] == [601]


def test_a_start_that_was_dated_too_early_counts_no_more_than_the_board_says(lab, laser, odometer):
    lab.ask(7, "startuse", uid=ADA, waited=60)
    report_for(lab, 120)
    assert [use.duration for use in Use.objects.all()] == [odometer(laser)] == [121]


def test_a_remote_stop_of_an_idle_machine_records_nothing(lab):
    assert lab.ask(7, "stopuse", uid="00000000", duration=0) is not None
    assert lab.ask(7, "stopuse", uid=ADA, duration=0)["request_ok"] is True
    assert not Use.objects.exists()


# ---- maintenance -----------------------------------------------------------------------------------------------------


@pytest.fixture
def overdue(laser, make_plan):
    make_plan(laser, "Lens", days_between=1, last_work_at=NOW - timedelta(days=2))
    make_plan(laser, "Filter", hours_between=1000)
    return laser


@pytest.mark.parametrize("who", ["carla", "dora"])
def test_who_may_maintain_confirms_what_is_due_and_nothing_else(lab, overdue, who, everybody):
    assert lab.ask(7, "maintenance", uid=UIDS[who]) == {"request_ok": True, "message": ""}
    (done,) = overdue.interventions.all()
    assert (done.plan.description, done.member) == ("Lens", getattr(everybody, who))
    assert lab.ask(7, "checkmachine")["maintenance"] is False


@pytest.mark.parametrize("uid", [ADA, UIDS["hugo"], UIDS["enzo"], UIDS["flora"], UNKNOWN_UID])
def test_who_may_not_maintain_confirms_nothing(lab, overdue, uid):
    reply = lab.ask(7, "maintenance", uid=uid)
    assert reply["request_ok"] is False
    assert reply["message"]
    assert not overdue.interventions.exists()


def test_a_lost_card_cannot_confirm(lab, overdue, carla):
    carla.cards.update(is_lost=True)
    assert lab.ask(7, "maintenance", uid=CARLA)["request_ok"] is False
    assert not overdue.interventions.exists()


def test_a_disabled_member_cannot_confirm(lab, overdue, carla):
    carla.is_active = False
    carla.save()
    assert lab.ask(7, "maintenance", uid=CARLA)["request_ok"] is False
    assert not overdue.interventions.exists()


def test_staff_who_authorizes_all_but_does_no_maintenance_confirms_nothing(lab, overdue, make_member, roles):
    tutors = roles.staff.__class__.objects.create(name="Tutors", authorize_all=True)
    make_member("Tea", "7ea7ea7e", role=tutors)
    assert lab.ask(7, "maintenance", uid="7ea7ea7e")["request_ok"] is False
    assert not overdue.interventions.exists()


def test_with_nothing_due_maintenance_is_answered_true_and_not_recorded(lab, laser, make_plan):
    make_plan(laser, hours_between=1000)
    assert lab.ask(7, "maintenance", uid=CARLA)["request_ok"] is True
    assert not laser.interventions.exists()


def test_maintenance_that_comes_twice_is_recorded_once(lab, overdue):
    for replay in (False, True, True):
        assert lab.ask(7, "maintenance", uid=CARLA, replay=replay)["request_ok"] is True
    assert overdue.interventions.count() == 1


def test_a_replayed_maintenance_is_marked(lab, overdue):
    lab.ask(7, "maintenance", uid=CARLA, replay=True)
    assert overdue.interventions.get().is_replay is True


# ---- synccache -------------------------------------------------------------------------------------------------------


def cards(lab, machine=7):
    return [card["uid"] for card in lab.ask(machine, "synccache")["cards"]]


def test_a_card_for_the_board_has_its_number_and_its_level(lab):
    assert {"uid": ADA, "level": 1} in lab.ask(7, "synccache")["cards"]


def test_only_cards_that_the_machine_lets_in_are_sent(lab):
    assert set(cards(lab)) == {ADA, CARLA, DORA}


def test_staff_comes_first_then_who_used_the_machine_last(lab, laser, make_member, authorize):
    for number in range(5):
        authorize(make_member(f"Member {number}", f"0000000{number}"), laser)
    for number in (3, 1, 4):
        use(lab, f"0000000{number}", 60)
    found = cards(lab)
    assert set(found[:2]) == {CARLA, DORA}
    assert found[2:5] == ["00000004", "00000001", "00000003"]


def test_as_many_cards_are_sent_as_fit_the_boards_buffer(lab, laser, make_member, authorize):
    for number in range(30):
        authorize(make_member(f"Member {number}", f"000000{number:02}"), laser)
    found = cards(lab)
    topic, payload = lab.published[-1]
    assert len(found) == 8
    assert len(payload) + len(topic) + 5 <= 300


def test_staff_whose_membership_ended_hides_no_staff_that_may(lab, laser, make_member, roles):
    for number in range(12):
        make_member(
            f"Gone {number}", f"aaaa00{number:02}", role=roles.staff, valid_until=NOW.date() - timedelta(days=9)
        )
    make_member("Late", "bbbb0000", role=roles.staff)
    assert cards(lab)[2] == "bbbb0000"


def test_numbers_that_no_reader_sends_are_no_cards_for_a_board(lab, carla, ada):
    Card.objects.create(uid="1234", member=carla)
    Card.objects.create(uid="1234567890", member=ada)
    assert set(cards(lab)) == {ADA, CARLA, DORA}


def test_a_machine_that_lets_nobody_in_has_no_cards_to_remember(laser):
    assert Lab().ask(7, "synccache") == {"request_ok": True, "cards": []}


def test_a_blocked_machine_remembers_no_members(lab, laser):
    laser.is_blocked = True
    laser.save()
    assert set(cards(lab)) == {CARLA, DORA}


def test_an_open_machine_remembers_who_used_it(lab, hugo):
    use(lab, hugo.uid, 60, machine=12)
    assert hugo.uid in cards(lab, 12)
