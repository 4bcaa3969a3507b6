"""Open pages and what they are told: greetings, changes, troubles, and the end for whom it is over."""

import asyncio
import json
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection
from django.utils import timezone

from machines.models import Machine, Use
from members.models import Member, Role
from members.names import Names
from telemetry.live.feed import Feed, Trouble
from telemetry.live.guests import Credentials, viewers_now
from telemetry.live.hub import Audience, Hub
from telemetry.live.wall import Grouping, Look, Wall
from telemetry.models import Screen
from telemetry.screens import revoke
from telemetry.viewers import Viewer, secret_hash
from tests.staff import client_of

pytestmark = pytest.mark.django_db(transaction=True)

SOMEBODY = Viewer(Names.NONE)
EVERYTHING = Audience(Look("en", Names.NONE), Grouping.TYPE)
PATIENCE = 5.0


class QuietFeed(Feed):
    """Hears nothing, and finds nothing wrong with that."""

    wrong = None

    def start(self):
        pass

    def trouble(self):
        return self.wrong


class Page:
    """An open page that keeps what it is told."""

    def __init__(self, audience=EVERYTHING, viewer=SOMEBODY, credentials=Credentials()):  # noqa: B008
        self.audience, self.viewer, self.credentials = audience, viewer, credentials
        self.told = []
        self.is_dismissed = False
        self._news = asyncio.Event()

    async def tell(self, text):
        self.told.append(json.loads(text))
        self._news.set()

    async def dismiss(self):
        self.is_dismissed = True
        self._news.set()

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                self._news.clear()
                await self._news.wait()


class GonePage(Page):
    async def tell(self, text):
        raise RuntimeError("the browser is gone")


@pytest.fixture
def public(settings):
    settings.DASHBOARD_ACCESS = "public"


@pytest.fixture
def wall(laser, printer, public):
    return Wall()


@pytest.fixture
def feed(wall):
    return QuietFeed(wall)


def with_hub(wall, feed, play):
    """Runs `play(hub)` in a loop of its own, and lets the hub's task end."""

    async def run():
        hub = Hub(wall, feed)
        try:
            await play(hub)
        finally:
            for page in list(hub._guests):
                hub.leave(page)
            hub.wake()
            while hub._task is not None:
                await asyncio.sleep(0.001)
            await hub._read(lambda: connection.close())

    asyncio.run(run())


async def in_thread(function, *arguments, **named):
    """As staff in a web request would, with a connection of its own."""
    from asgiref.sync import sync_to_async
    from django.db import connection

    def run():
        try:
            return function(*arguments, **named)
        finally:
            connection.close()

    return await sync_to_async(run, thread_sensitive=False)()


def cards_of(message):
    return set(message.get("cards", {}))


def has_heard_of(machine_id):
    return lambda page: any(str(machine_id) in cards_of(message) for message in page.told[1:])


def told_of(page, machine_id):
    return next(cards[str(machine_id)] for message in reversed(page.told) if (cards := message.get("cards")))


# ---- greeting --------------------------------------------------------------------------------------------------------


def test_a_new_page_is_told_the_whole_state(wall, feed):
    async def play(hub):
        page = Page()
        await hub.join(page, "")
        assert "Laser" in page.told[0]["grid"]
        assert page.told[0]["troubles"] == []

    with_hub(wall, feed, play)


def test_a_page_that_shows_everything_already_is_told_only_that(wall, feed):
    wall.refresh()

    async def play(hub):
        page = Page()
        await hub.join(page, wall.revision)
        assert "grid" not in page.told[0]
        assert "cards" not in page.told[0]

    with_hub(wall, feed, play)


def test_a_page_that_was_away_is_told_what_it_missed(wall, feed):
    wall.refresh()

    async def play(hub):
        seen = wall.revision
        await in_thread(Machine.objects.filter(pk=7).update, is_blocked=True, blocked_at=timezone.now())
        wall.note_everything()
        page = Page()
        await hub.join(page, seen)
        assert cards_of(page.told[0]) == {"7"}

    with_hub(wall, feed, play)


def test_the_page_of_one_machine_is_told_of_that_one_alone(wall, feed):
    async def play(hub):
        page = Page(Audience(Look("en", Names.NONE), Grouping.TYPE, machine_id=12))
        await hub.join(page, "")
        assert cards_of(page.told[0]) == {"12"}
        assert "grid" not in page.told[0]

    with_hub(wall, feed, play)


def test_a_page_that_leaves_while_it_is_greeted_is_forgotten(wall, feed):
    async def play(hub):
        await hub.join(GonePage(), "")
        impatient = asyncio.ensure_future(hub.join(Page(), ""))
        while not hub._guests:
            await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)
        assert hub._guests == set()

    with_hub(wall, feed, play)


def test_a_page_that_comes_just_as_the_last_one_left_is_told_of_changes(wall, feed):
    async def play(hub):
        first, second = Page(), Page()
        await hub.join(first, "")
        hub.leave(first)
        hub.wake()
        while hub._task is not None:
            await asyncio.sleep(0)
        await hub.join(second, "")
        await in_thread(Machine.objects.filter(pk=7).update, blocked_reason="x", is_blocked=True)
        wall.note(7, is_online=True)
        hub.wake()
        await second.until(has_heard_of(7))

    with_hub(wall, feed, play)


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_a_change_reaches_every_page_in_its_own_language_and_with_its_own_names(wall, feed, ada):
    async def play(hub):
        english, italian = Page(), Page(Audience(Look("it", Names.NONE), Grouping.TYPE))
        with_names = Page(Audience(Look("en", Names.FIRST), Grouping.TYPE))
        for page in (english, italian, with_names):
            await hub.join(page, "")
        await in_thread(Use.objects.create, machine_id=7, member=ada, started_at=timezone.now())
        wall.note(7, is_online=True)
        hub.wake()
        for page in (english, italian, with_names):
            await page.until(has_heard_of(7))
        assert "In use" in told_of(english, 7)
        assert "In use" not in told_of(italian, 7)
        assert "Ada" in told_of(with_names, 7)
        assert "Ada" not in json.dumps([english.told, italian.told])
        assert "Lovelace" not in json.dumps(with_names.told)

    with_hub(wall, feed, play)


def test_a_deleted_machine_is_told_as_a_new_arrangement(wall, feed):
    async def play(hub):
        page, of_laser = Page(), Page(Audience(Look("en", Names.NONE), Grouping.TYPE, machine_id=7))
        await hub.join(page, "")
        await hub.join(of_laser, "")
        await in_thread(Machine.objects.filter(pk=7).delete)
        wall.note_everything()
        hub.wake()
        await page.until(lambda page: any("Printer" in m.get("grid", "") for m in page.told[1:]))
        await of_laser.until(has_heard_of(7))
        assert not [message for message in page.told[1:] if "Laser" in message.get("grid", "")]
        assert told_of(of_laser, 7) is None

    with_hub(wall, feed, play)


def test_a_page_that_is_gone_is_nobody_elses_trouble(wall, feed):
    async def play(hub):
        page, gone = Page(), GonePage()
        await hub.join(page, "")
        hub._guests.add(gone)
        await in_thread(Machine.objects.filter(pk=7).update, blocked_reason="x", is_blocked=True)
        wall.note_everything()
        hub.wake()
        await page.until(has_heard_of(7))
        assert gone not in hub._guests

    with_hub(wall, feed, play)


def test_two_hundred_pages_are_all_told(wall, feed):
    async def play(hub):
        pages = [Page() for _ in range(200)]
        for page in pages:
            await hub.join(page, "")
        await in_thread(Machine.objects.filter(pk=7).update, blocked_reason="x", is_blocked=True)
        wall.note(7, is_online=True)
        hub.wake()
        for page in pages:
            await page.until(has_heard_of(7))

    with_hub(wall, feed, play)


# ---- troubles --------------------------------------------------------------------------------------------------------


def test_a_lost_broker_is_told_and_its_return_too(wall, feed):
    async def play(hub):
        page = Page()
        await hub.join(page, "")
        feed.wrong = Trouble.BROKER
        hub.wake()
        await page.until(lambda page: page.told[-1]["troubles"] == ["broker"])
        feed.wrong = None
        hub.wake()
        await page.until(lambda page: page.told[-1]["troubles"] == [])

    with_hub(wall, feed, play)


def test_while_nobody_tells_us_the_database_is_asked(wall, feed):
    async def play(hub):
        page = Page()
        feed.wrong = Trouble.BROKER
        await hub.join(page, "")
        await in_thread(Machine.objects.filter(pk=7).update, blocked_reason="x", is_blocked=True)
        await page.until(has_heard_of(7))

    with_hub(wall, feed, play)


def test_a_database_that_is_away_is_told_and_what_happened_meanwhile_is_made_up_for(wall, feed, monkeypatch):
    async def play(hub):
        page = Page()
        await hub.join(page, "")
        read = wall._read

        def fail(*arguments):
            raise DatabaseError("away")

        wall._read = fail
        wall.note_everything()
        hub.wake()
        await page.until(lambda page: page.told[-1]["troubles"] == ["database"])
        await in_thread(Machine.objects.filter(pk=7).update, blocked_reason="x", is_blocked=True)
        wall._read = read
        hub.wake()
        await page.until(has_heard_of(7))
        await page.until(lambda page: page.told[-1]["troubles"] == [])

    with_hub(wall, feed, play)


# ---- who may look ----------------------------------------------------------------------------------------------------


def session_of(member):
    return client_of(member).session.session_key


def member_page(member, viewer):
    return Page(viewer=viewer, credentials=Credentials(session_key=session_of(member)))


@pytest.mark.parametrize(
    "end",
    [
        lambda ada: Member.objects.filter(pk=ada.pk).update(is_active=False, deactivated_at=timezone.now()),
        lambda ada: ada.set_password("another") or ada.save(),
        lambda ada: Session.objects.all().delete(),
        lambda ada: Session.objects.update(expire_date=timezone.now() - timedelta(days=1)),
        lambda ada: ada.delete(),
    ],
    ids=["disabled", "new password", "logged out", "session expired", "deleted"],
)
def test_whose_right_to_look_ends_is_dismissed(wall, feed, settings, ada, end):
    settings.DASHBOARD_ACCESS = "login"
    page_of_ada = member_page(ada, Viewer(Names.NONE, member_id=ada.pk))

    async def play(hub):
        await hub.join(page_of_ada, "")
        await in_thread(end, ada)
        await page_of_ada.until(lambda page: page.is_dismissed)
        assert page_of_ada not in hub._guests

    with_hub(wall, feed, play)


def test_staff_that_may_no_longer_see_names_has_to_ask_for_the_page_again(wall, feed, settings, dora):
    settings.DASHBOARD_ACCESS = "login"
    page = member_page(dora, Viewer(Names.FULL, member_id=dora.pk, is_staff=True))

    async def play(hub):
        await hub.join(page, "")
        await in_thread(Role.objects.filter(pk=dora.role_id).update, is_backend_admin=False)
        await page.until(lambda page: page.is_dismissed)

    with_hub(wall, feed, play)


def test_a_screen_that_is_open_is_seen_alive(wall, feed, settings):
    settings.DASHBOARD_ACCESS = "screens"
    screen = Screen.objects.create(name="Wall", cookie_hash=secret_hash("its cookie"))
    page = Page(viewer=Viewer(Names.NONE, screen_id=screen.pk), credentials=Credentials(screen_cookie="its cookie"))

    async def play(hub):
        await hub.join(page, "")
        async with asyncio.timeout(PATIENCE):
            while not await in_thread(Screen.objects.filter(last_seen_at__isnull=False).exists):
                await asyncio.sleep(0.01)
        assert not page.is_dismissed

    with_hub(wall, feed, play)


def test_a_screen_that_is_revoked_is_dismissed(wall, feed, settings):
    settings.DASHBOARD_ACCESS = "screens"
    screen = Screen.objects.create(name="Wall", cookie_hash=secret_hash("its cookie"))
    page = Page(viewer=Viewer(Names.NONE, screen_id=screen.pk), credentials=Credentials(screen_cookie="its cookie"))

    async def play(hub):
        await hub.join(page, "")
        await in_thread(revoke, screen, timezone.now())
        await page.until(lambda page: page.is_dismissed)

    with_hub(wall, feed, play)


def test_who_still_may_look_stays(wall, feed, settings, ada):
    settings.DASHBOARD_ACCESS = "login"
    viewer = Viewer(Names.NONE, member_id=ada.pk)
    page = member_page(ada, viewer)
    assert viewers_now([page.credentials], timezone.now()) == {page.credentials: viewer}


def test_a_stranger_may_look_only_where_all_may(settings):
    settings.DASHBOARD_ACCESS = "login"
    nobody = Credentials("invented", "invented")
    assert viewers_now([nobody], timezone.now()) == {nobody: None}
    settings.DASHBOARD_ACCESS = "public"
    assert viewers_now([nobody], timezone.now()) == {nobody: SOMEBODY}


def test_many_guests_are_looked_up_with_a_few_queries(settings, ada, make_member, django_assert_max_num_queries):
    settings.DASHBOARD_ACCESS = "screens"
    guests = [Credentials(session_of(make_member(f"Member {number}"))) for number in range(30)]
    guests += [Credentials(screen_cookie=f"cookie {number}") for number in range(30)]
    with django_assert_max_num_queries(3):
        viewers_now(guests, timezone.now())
