"""What a reader finds in the weekly summary: what happened, what is to do, and nothing that they may not list."""

from datetime import date, timedelta

import pytest
from django.utils import translation

from fabomatic.summary.figures import figures_of
from fabomatic.summary.sections import difference, hours_in_words
from fabomatic.summary.sending import mail_for
from fabomatic.summary.week import last_week
from machines.access import Outcome
from machines.models import Machine, MaintenancePlan, Use
from telemetry.models import Downtime, Tap
from tests.conftest import NOW, UNKNOWN_UID
from tests.staff import MACHINE_WORK, MEMBER_WORK, backend_role

pytestmark = pytest.mark.django_db

WEEK = last_week(NOW)  # 2 to 8 March 2026
MONDAY = WEEK.span.start


MAIL = """
Hello Dora,

this was the week of 2–8 March 2026.

Hours per machine: 2.5 h together (−1.5 h)
- Laser (7): 2.5 h (+2.5 h)
- Printer (12): 0 h (−4 h)
In brackets: the difference to the week before.
Statistics: https://lab.example.org/statistics/?from=2026-03-02&to=2026-03-08

3 of 4 taps refused
- 2 × The card belongs to nobody.
- 1 × The member has no authorization for this machine.

1 unknown card tapped
- Laser (7): 2 times
Unknown cards are forgotten after 30 days.
Enrol a card: https://lab.example.org/admin/telemetry/tap/unknown/

Silent or blocked in that week
- Printer (12): silent for 12 h, blocked for 1.5 h

Maintenance due: 1
- Laser (7), Grease the rails: 5 days overdue
  Plan: https://lab.example.org/admin/machines/maintenanceplan/{plan}/change/

1 machine is silent
- Printer (12): since 10 Mar 2026, 10:00
  https://lab.example.org/admin/machines/machine/12/change/

1 authorization ends within 30 days
- Ada Lovelace – Printer (12): until 20 Mar 2026
All of them: https://lab.example.org/admin/machines/authorization/?expiry=soon

1 membership ends within 30 days
- Bruno Munari: until 25 Mar 2026
  https://lab.example.org/admin/members/member/{bruno}/change/
All of them: https://lab.example.org/admin/members/member/?membership=soon&state=active

--
You get this mail because you asked for it; whoever looks after the members can switch it off.
Fabomatic, https://lab.example.org
"""


@pytest.fixture(autouse=True)
def lab(settings):
    settings.SITE_URL = "https://lab.example.org"
    settings.UNKNOWN_CARD_RETENTION_DAYS = 30


@pytest.fixture
def make_reader(make_member):
    def make(*codenames, **fields):
        role = backend_role(f"Readers {len(codenames)}", *codenames)
        return make_member("Rita", role=role, email="rita@example.org", wants_weekly_summary=True, **fields)

    return make


@pytest.fixture
def busy_week(ada, bruno, laser, printer, make_plan, authorize):
    """Something for every section."""
    use(laser, 10, 2.5, member=ada)
    use(printer, -10, 4)
    make_plan(laser, "Grease the rails", days_between=10, last_work_at=NOW - timedelta(days=15))
    Machine.objects.filter(pk=laser.pk).update(last_seen_at=NOW)
    Machine.objects.filter(pk=printer.pk).update(last_seen_at=NOW - timedelta(hours=3))
    tap(laser, Outcome.NOT_AUTHORIZED, member=bruno)
    for hours in (6, 7):
        tap(laser, Outcome.UNKNOWN_CARD, hours, uid=UNKNOWN_UID)
    tap(laser, Outcome.GRANTED, member=ada)
    down(printer, Downtime.Kind.OFFLINE, 20, 32)
    down(printer, Downtime.Kind.BLOCKED, 40, 41.5)
    authorize(ada, printer, valid_until=date(2026, 3, 20))
    bruno.valid_until = date(2026, 3, 25)
    bruno.save()


def use(machine, after, hours, **fields):
    start = MONDAY + timedelta(hours=after)
    return Use.objects.create(machine=machine, started_at=start, ended_at=start + timedelta(hours=hours), **fields)


def tap(machine, outcome, after=5.0, **fields):
    return Tap.objects.create(machine=machine, outcome=outcome, at=MONDAY + timedelta(hours=after), **fields)


def down(machine, kind, start, end):
    times = [MONDAY + timedelta(hours=hours) for hours in (start, end)]
    return Downtime.objects.create(machine=machine, kind=kind, started_at=times[0], ended_at=times[1])


def text_for(reader) -> str:
    return mail_for(reader, figures_of(WEEK, NOW)).body


def page_for(reader) -> str:
    return mail_for(reader, figures_of(WEEK, NOW)).alternatives[0].content


# ---- what is told ----------------------------------------------------------------------------------------------------


def test_the_whole_mail_reads_like_this(dora, bruno, busy_week):
    dora.wants_weekly_summary = True
    mail = mail_for(dora, figures_of(WEEK, NOW))
    assert mail.subject == "Fabomatic: 2–8 March 2026"
    assert mail.to == ["dora@example.org"]
    ids = {"plan": MaintenancePlan.objects.get().pk, "bruno": bruno.pk}
    assert mail.body.strip() == MAIL.strip().format(**ids)


def test_the_page_says_the_same_with_links_and_nothing_from_elsewhere(dora, busy_week):
    page = page_for(dora)
    assert "Laser (7): <b>2.5 h</b>" in page
    assert "3 of 4 taps refused" in page
    assert '<a href="https://lab.example.org/admin/machines/machine/12/change/">Printer (12)</a>' in page
    assert "from=2026-03-02&amp;to=2026-03-08" in page
    assert not [found for found in ("<img", "<script", "<table", "src=", "url(", "<link") if found in page]


def test_a_plan_links_to_its_instructions(dora, laser, make_plan):
    make_plan(laser, days_between=1, last_work_at=NOW - timedelta(days=9), instructions_url="https://wiki.example/lens")
    assert "  Instructions: https://wiki.example/lens\n" in text_for(dora)
    assert '<a class="more" href="https://wiki.example/lens">Instructions</a>' in page_for(dora)


def test_names_are_text_and_no_markup(dora, laser_type):
    Machine.objects.create(id=9, name="<b>Saw</b> & Co", type=laser_type, last_seen_at=NOW)
    use(Machine.objects.get(pk=9), 10, 1)
    assert "<b>Saw</b> & Co (9): 1 h" in text_for(dora)
    assert "&lt;b&gt;Saw&lt;/b&gt; &amp; Co (9)" in page_for(dora)


def test_a_cut_use_is_explained(dora, laser):
    use(laser, -1, 3)
    assert "A use over the end of a week counts in both, with its part" in text_for(dora)


def test_short_downtimes_are_not_worth_telling(dora, laser):
    down(laser, Downtime.Kind.OFFLINE, 20, 20.9)
    assert "Silent or blocked" not in text_for(dora)


def test_one_unknown_card_at_two_machines_is_one(dora, laser, printer):
    for machine in (laser, laser, printer):
        tap(machine, Outcome.UNKNOWN_CARD, uid=UNKNOWN_UID)
    tap(laser, Outcome.UNKNOWN_CARD, after=-1, uid="aaaaaaaa")  # the week before
    text = text_for(dora)
    assert "1 unknown card tapped\n- Laser (7): 2 times\n- Printer (12): 1 time\n" in text
    assert UNKNOWN_UID not in text


def test_of_a_week_long_ago_unknown_cards_may_be_missing(dora, laser, settings):
    tap(laser, Outcome.UNKNOWN_CARD, uid=UNKNOWN_UID)
    assert "may have been deleted already" not in text_for(dora)
    settings.UNKNOWN_CARD_RETENTION_DAYS = 7
    assert "may have been deleted already" in text_for(dora)


def test_a_large_lab_gets_a_mail_of_bearable_length(dora, laser_type):
    for number in range(100, 180):
        use(Machine.objects.create(id=number, name="M", type=laser_type), 5, 0.5)
    text = text_for(dora)
    assert "- 50 other machines together: 25 h (+25 h)" in text
    assert "and 50 more" in text
    assert len(text.splitlines()) < 120


def test_a_quiet_week_is_one_friendly_sentence(dora, laser):
    Machine.objects.update(last_seen_at=NOW)
    text = text_for(dora)
    assert "It was a quiet week" in text
    assert not [word for word in ("Hours", "refused", "unknown", "silent", "end within") if word in text]


def test_a_lab_that_is_switched_off_is_one_sentence_and_not_all_of_its_machines(dora, laser, printer, laser_type):
    mill = Machine.objects.create(id=9, name="Mill", type=laser_type)
    Machine.objects.filter(pk=laser.pk).update(last_seen_at=NOW - timedelta(hours=9))
    Machine.objects.filter(pk=printer.pk).update(last_seen_at=NOW - timedelta(hours=15))
    Machine.objects.filter(pk=mill.pk).update(last_seen_at=NOW - timedelta(days=3))
    text = text_for(dora)
    assert "All boards are silent" in text
    assert "The last one was heard at 10 Mar 2026, 04:00" in text
    assert "- Mill (9): since 7 Mar 2026" in text
    assert not [name for name in ("- Laser", "- Printer") if name in text]


# ---- to whom ---------------------------------------------------------------------------------------------------------


def test_who_may_not_see_members_reads_of_nobody(make_reader, busy_week):
    reader = make_reader(*(name for name in MACHINE_WORK + MEMBER_WORK if name != "view_member"))
    text, page = text_for(reader), page_for(reader)
    assert "- Printer (12): until 20 Mar 2026" in text
    assert "1 membership ends within 30 days" in text  # they may change members
    for name in ("Ada", "Lovelace", "Bruno", "Munari", UNKNOWN_UID):
        assert name not in text + page
    assert "Enrol a card" not in text


@pytest.mark.parametrize(
    ("codenames", "told", "not_told"),
    [
        (
            ["view_use"],
            ["Hours per machine", "/statistics/"],
            ["refused", "silent", "due", "end within", "ends within"],
        ),
        (["change_use"], ["Hours per machine"], ["/statistics/", "refused", "silent", "ends within"]),
        (["view_tap"], ["3 of 4 taps refused", "1 unknown card"], ["Hours", "silent", "due", "Enrol", "ends within"]),
        (["view_machine"], ["1 machine is silent", "Maintenance due"], ["Hours", "refused", "maintenanceplan", "ends"]),
        (["view_maintenanceplan"], ["maintenanceplan"], ["Hours", "refused", "silent", "ends within"]),
        (["view_authorization"], ["1 authorization ends"], ["Hours", "refused", "silent", "due", "membership", "Ada"]),
        (["view_member"], ["1 membership ends", "Bruno"], ["Hours", "refused", "silent", "due", "authorization ends"]),
    ],
)
def test_everybody_reads_of_what_they_may_list_only(make_reader, busy_week, codenames, told, not_told):
    text = text_for(make_reader(*codenames))
    assert [words for words in told if words not in text] == []
    assert [words for words in not_told if words in text] == []


def test_whose_role_lists_nothing_is_told_so_and_not_that_nothing_happened(make_reader, busy_week):
    text = text_for(make_reader())
    assert "Your role may see nothing of what this mail tells." in text
    assert "quiet" not in text


def test_who_may_read_a_part_is_not_told_that_nothing_at_all_happened(make_reader, busy_week):
    reader = make_reader("view_maintenanceplan")
    MaintenancePlan.objects.all().delete()
    text = text_for(reader)
    assert "Of what your role may see nothing happened" in text
    assert "quiet" not in text


def test_numbers_and_dates_are_written_as_the_reader_does(dora, busy_week):
    dora.language = "it"
    mail = mail_for(dora, figures_of(WEEK, NOW))
    assert mail.subject == "Fabomatic: 2–8 Marzo 2026"
    assert "Laser (7): 2,5 h (+2,5 h)" in mail.body
    assert '<html lang="it">' in mail.alternatives[0].content
    assert translation.get_language() == "en"


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 h"),
        (60, "less than 0.1 h"),
        (600, "0.2 h"),
        (3600, "1 h"),
        (4500, "1.3 h"),
        (359_900, "100 h"),
        (4_000_000, "1,111 h"),
    ],
)
def test_hours_in_words(seconds, words):
    assert hours_in_words(seconds) == words


@pytest.mark.parametrize(
    ("this", "before", "words"),
    [
        (3600, 3600, "as before"),
        (3600, 3650, "as before"),
        (7200, 3600, "+1 h"),
        (0, 5400, "−1.5 h"),
        (4_000_000, 0, "+1,111 h"),
    ],
)
def test_differences_have_a_sign(this, before, words):
    assert difference(this, before) == words
