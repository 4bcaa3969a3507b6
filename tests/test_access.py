"""May this card use this machine, and why not: every outcome, their order, levels, and the last day of a right."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import translation

from machines.access import Outcome, decide
from machines.models import Authorization, Machine, Use
from members.models import Card, Member, Role
from tests.conftest import NOW, UIDS, UNKNOWN_UID

pytestmark = pytest.mark.django_db


def outcome_of(machine, member, now=NOW, **facts):
    return decide(machine.pk, member.uid, now, **facts).outcome


# ---- each outcome ----------------------------------------------------------------------------------------------------


def test_authorized_member_is_granted(laser, ada):
    decision = decide(laser.pk, ada.uid, NOW)
    assert (decision.outcome, decision.is_granted, decision.member.name) == (Outcome.GRANTED, True, "Ada Lovelace")


def test_machine_without_authorization_is_open_to_a_member_without_right(printer, hugo):
    assert outcome_of(printer, hugo) is Outcome.GRANTED


def test_unknown_card_is_refused_with_its_reason(laser):
    decision = decide(laser.pk, UNKNOWN_UID, NOW)
    assert (decision.outcome, decision.member) == (Outcome.UNKNOWN_CARD, None)


def test_unknown_machine_is_refused_with_its_reason(ada):
    assert decide(999, ada.uid, NOW).outcome is Outcome.UNKNOWN_MACHINE


def test_lost_card_is_refused_with_its_reason(laser, flora):
    assert outcome_of(laser, flora) is Outcome.LOST_CARD


def test_another_card_of_the_same_member_still_opens(laser, flora):
    Card.objects.create(uid="f10a0002", member=flora)
    assert decide(laser.pk, "f10a0002", NOW).is_granted


def test_disabled_member_is_refused_with_its_reason(laser, enzo):
    assert outcome_of(laser, enzo) is Outcome.MEMBER_INACTIVE


def test_ended_membership_is_refused_with_its_reason(laser, gino):
    assert outcome_of(laser, gino) is Outcome.MEMBERSHIP_EXPIRED


def test_blocked_machine_is_refused_with_its_reason(laser, ada):
    Machine.objects.update(is_blocked=True)
    assert outcome_of(laser, ada) is Outcome.MACHINE_BLOCKED


def test_member_without_right_is_refused_with_its_reason(laser, hugo):
    assert outcome_of(laser, hugo) is Outcome.NOT_AUTHORIZED


def test_expired_right_is_refused_with_its_reason(laser, bruno):
    assert outcome_of(laser, bruno) is Outcome.AUTHORIZATION_EXPIRED


def test_right_to_another_machine_is_none_to_this_one(printer, laser, laser_type, ada):
    other = Machine.objects.create(id=8, name="Second laser", type=laser_type)
    assert outcome_of(other, ada) is Outcome.NOT_AUTHORIZED


def test_conflict_of_boards_is_refused_with_its_reason(laser, ada):
    assert outcome_of(laser, ada, has_conflict=True) is Outcome.BOARD_CONFLICT


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_sentence_for_people(outcome):
    with translation.override("en"):
        assert str(outcome.sentence).endswith(".")


def test_outcomes_are_those_the_design_names():
    assert set(Outcome) == {
        "granted",
        "unknown_card",
        "lost_card",
        "member_inactive",
        "membership_expired",
        "machine_blocked",
        "not_authorized",
        "authorization_expired",
        "unknown_machine",
        "board_conflict",
        "unanswered",
    }


@pytest.mark.parametrize("outcome", list(Outcome))
def test_missing_auth_is_told_for_the_two_authorization_outcomes_only(outcome):
    from machines.access import Decision

    expected = outcome in ("not_authorized", "authorization_expired")
    assert Decision(outcome).is_missing_authorization is expected


# ---- the order: with two reasons at once, people are told the first ---------------------------------------------


def lose_card():
    Card.objects.update(is_lost=True)


def disable():
    Member.objects.update(is_active=False, deactivated_at=NOW)


def end_membership():
    Member.objects.update(valid_until=date(2026, 3, 9))


def authorize_all():
    Role.objects.filter(name="Members").update(authorize_all=True)


def block():
    Machine.objects.update(is_blocked=True)


def take_right_away():
    Authorization.objects.all().delete()


def let_right_expire():
    Authorization.objects.update(valid_until=date(2026, 3, 9))


IN_ORDER = [
    (lose_card, Outcome.LOST_CARD),
    (disable, Outcome.MEMBER_INACTIVE),
    (end_membership, Outcome.MEMBERSHIP_EXPIRED),
    (authorize_all, Outcome.GRANTED),
    (block, Outcome.MACHINE_BLOCKED),
    (take_right_away, Outcome.NOT_AUTHORIZED),
    (let_right_expire, Outcome.AUTHORIZATION_EXPIRED),
]
PAIRS = [(first, second) for at, first in enumerate(IN_ORDER) for second in IN_ORDER[at + 1 :]]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda reason: reason[0].__name__)
def test_of_two_reasons_the_earlier_is_told(laser, ada, first, second):
    first[0]()
    second[0]()
    assert outcome_of(laser, ada) is first[1]


@pytest.mark.parametrize("reason", IN_ORDER, ids=lambda reason: reason[0].__name__)
def test_conflict_comes_before_every_reason_of_the_card(laser, ada, reason):
    reason[0]()
    assert outcome_of(laser, ada, has_conflict=True) is Outcome.BOARD_CONFLICT


def test_unknown_machine_comes_before_conflict_and_unknown_card():
    assert decide(999, UNKNOWN_UID, NOW, has_conflict=True).outcome is Outcome.UNKNOWN_MACHINE


def test_conflict_comes_before_unknown_card(laser):
    assert decide(laser.pk, UNKNOWN_UID, NOW, has_conflict=True).outcome is Outcome.BOARD_CONFLICT


def test_unknown_card_comes_before_a_blocked_machine(laser):
    block()
    assert decide(laser.pk, UNKNOWN_UID, NOW).outcome is Outcome.UNKNOWN_CARD


def test_block_comes_before_a_type_that_needs_no_authorization(printer, hugo):
    block()
    assert outcome_of(printer, hugo) is Outcome.MACHINE_BLOCKED


def test_expired_right_does_not_matter_where_none_is_needed(printer, bruno, authorize):
    authorize(bruno, printer, valid_until=date(2020, 1, 1))
    assert outcome_of(printer, bruno) is Outcome.GRANTED


# ---- levels ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ({}, 1),
        ({"can_maintain": True}, 2),
        ({"authorize_all": True}, 2),
        ({"authorize_all": True, "can_maintain": True}, 2),
        ({"is_backend_admin": True}, 1),
        ({"is_backend_admin": True, "can_maintain": True}, 2),
        ({"is_backend_admin": True, "authorize_all": True}, 3),
        ({"is_backend_admin": True, "authorize_all": True, "can_maintain": True}, 3),
    ],
    ids=lambda value: "+".join(value) or "ordinary" if isinstance(value, dict) else str(value),
)
def test_level_follows_the_role(laser, ada, flags, level):
    Role.objects.filter(name="Members").update(**flags)
    assert decide(laser.pk, ada.uid, NOW).level == level


@pytest.mark.parametrize("refused", ["bruno", "enzo", "flora", "gino", "hugo"])
def test_refused_cards_have_level_zero_and_a_name_for_the_log(laser, everybody, refused):
    decision = decide(laser.pk, getattr(everybody, refused).uid, NOW)
    assert (decision.level, decision.member.first_name) == (0, refused.capitalize())


def test_staff_and_administrators_have_levels_two_and_three(laser, carla, dora):
    assert [decide(laser.pk, member.uid, NOW).level for member in (carla, dora)] == [2, 3]


def test_staff_is_granted_a_blocked_machine(laser, carla):
    block()
    assert decide(laser.pk, carla.uid, NOW).level == 2


@pytest.mark.parametrize("reason", IN_ORDER[:3], ids=lambda reason: reason[0].__name__)
def test_staff_is_refused_like_everybody_for_card_and_membership(laser, carla, reason):
    reason[0]()
    assert outcome_of(laser, carla) is reason[1]


# ---- the last day ----------------------------------------------------------------------------------------------------

WINTER, SUMMER = date(2026, 3, 10), date(2026, 7, 10)


@pytest.mark.parametrize(
    ("last_day", "moment", "outcome"),
    [
        # In winter Rome is an hour ahead of UTC, in summer two.
        (WINTER, datetime(2026, 3, 9, 23, 30, tzinfo=UTC), Outcome.GRANTED),
        (WINTER, datetime(2026, 3, 10, 12, 0, tzinfo=UTC), Outcome.GRANTED),
        (WINTER, datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC), Outcome.GRANTED),
        (WINTER, datetime(2026, 3, 10, 23, 0, tzinfo=UTC), Outcome.AUTHORIZATION_EXPIRED),
        (SUMMER, datetime(2026, 7, 10, 21, 59, 59, tzinfo=UTC), Outcome.GRANTED),
        (SUMMER, datetime(2026, 7, 10, 22, 0, tzinfo=UTC), Outcome.AUTHORIZATION_EXPIRED),
        # The day the clocks change has 23 hours, or 25.
        (date(2026, 3, 29), datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), Outcome.GRANTED),
        (date(2026, 3, 29), datetime(2026, 3, 29, 22, 0, tzinfo=UTC), Outcome.AUTHORIZATION_EXPIRED),
        (date(2026, 10, 25), datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC), Outcome.GRANTED),
        (date(2026, 10, 25), datetime(2026, 10, 25, 23, 0, tzinfo=UTC), Outcome.AUTHORIZATION_EXPIRED),
    ],
)
def test_right_ends_at_the_end_of_its_day_in_the_lab(laser, ada, last_day, moment, outcome):
    Authorization.objects.update(valid_until=last_day)
    assert outcome_of(laser, ada, moment) is outcome


def test_membership_ends_at_the_end_of_its_day_in_the_lab(laser, ada):
    Member.objects.update(valid_until=WINTER)
    last, first = datetime(2026, 3, 10, 22, 59, 59, tzinfo=UTC), datetime(2026, 3, 10, 23, 0, tzinfo=UTC)
    assert [outcome_of(laser, ada, moment) for moment in (last, first)] == [
        Outcome.GRANTED,
        Outcome.MEMBERSHIP_EXPIRED,
    ]


def test_day_is_the_labs_also_while_a_page_shows_another_time_zone(laser, ada):
    from django.utils import timezone

    Authorization.objects.update(valid_until=WINTER)
    with timezone.override("Pacific/Kiritimati"):
        assert outcome_of(laser, ada, datetime(2026, 3, 10, 20, 0, tzinfo=UTC)) is Outcome.GRANTED


def test_day_follows_the_time_zone_of_the_settings(laser, ada, settings):
    settings.TIME_ZONE = "America/New_York"
    Authorization.objects.update(valid_until=WINTER)
    assert outcome_of(laser, ada, datetime(2026, 3, 11, 3, 30, tzinfo=UTC)) is Outcome.GRANTED


# ---- what it costs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ada", "bruno", "carla", "hugo"])
def test_decision_takes_two_queries(laser, everybody, who, django_assert_num_queries):
    with django_assert_num_queries(2):
        decide(laser.pk, getattr(everybody, who).uid, NOW)


def test_history_does_not_make_a_decision_dearer(laser, ada, django_assert_num_queries):
    uses = [
        Use(
            machine=laser,
            member=ada,
            card_uid=ada.uid,
            started_at=NOW - timedelta(hours=number + 1),
            last_seen_at=NOW - timedelta(hours=number),
            ended_at=NOW - timedelta(hours=number),
            duration=3600,
            end_reason="stop",
        )
        for number in range(300)
    ]
    Use.objects.bulk_create(uses)
    with django_assert_num_queries(2) as captured:
        decide(laser.pk, ada.uid, NOW)
    assert not any("machines_use" in query["sql"] for query in captured)


def test_decisions_asked_one_after_another_do_not_mix(laser, printer, everybody):
    asked = [(laser, "ada"), (printer, "hugo"), (laser, "hugo"), (printer, "bruno"), (laser, "bruno")]
    outcomes = [outcome_of(machine, getattr(everybody, who)) for machine, who in asked]
    assert outcomes == [
        Outcome.GRANTED,
        Outcome.GRANTED,
        Outcome.NOT_AUTHORIZED,
        Outcome.GRANTED,
        Outcome.AUTHORIZATION_EXPIRED,
    ]


def test_cast_has_cards_of_its_own():
    assert len(set(UIDS.values())) == len(UIDS)
