"""Who has the page open, and what they are sent: one task per event loop, one thread for what it has to read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from telemetry.database import in_a_line
from telemetry.live.feed import Feed, Trouble, feed
from telemetry.live.guests import Credentials, viewers_now
from telemetry.live.now import release
from telemetry.live.wall import Changes, Grouping, Look, Wall, wall
from telemetry.screens import SEEN_EVERY, seen
from telemetry.viewers import Viewer

logger = logging.getLogger(__name__)

BEAT = 4.0  # seconds between two messages at most; a page that hears nothing for longer knows that it is cut off
TURN = 0.5
CHECK_GUESTS = 2.0
READ_ALL = 15.0  # whatever nobody told us of


@dataclass(frozen=True, slots=True)
class Audience:
    """Those who get the same text."""

    look: Look
    grouping: Grouping
    machine_id: int | None = None


class Guest(Protocol):
    """An open page."""

    audience: Audience
    credentials: Credentials
    viewer: Viewer

    async def tell(self, text: str) -> None: ...

    async def dismiss(self) -> None:
        """Not allowed any more."""


class Hub:
    def __init__(self, wall: Wall, feed: Feed) -> None:
        self._wall = wall
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "live")
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._guests: set[Guest] = set()
        self._told = wall.revision
        self._troubles: list[str] = []
        self._beat_at = self._check_at = self._read_all_at = self._note_screens_at = 0.0
        self._nudged = 0

    async def join(self, guest: Guest, revision: str) -> None:
        """`revision` is what the page shows already."""
        self._feed.start()
        await self._read(self._refresh)
        self._guests.add(guest)
        try:
            self._ensure_alive()
            await self._tell(guest, await self._read(self._greeting, guest.audience, revision))
        except BaseException:  # it left while it was being greeted: nobody would ever say goodbye for it
            self.leave(guest)
            raise

    def _ensure_alive(self) -> None:
        if self._task is None:
            self._told = self._wall.revision
            self._feed.listen(self.wake)
            self._task = self._loop.create_task(self._live())

    def leave(self, guest: Guest) -> None:
        self._guests.discard(guest)

    async def viewer_of(self, credentials: Credentials) -> Viewer | None:
        viewers = await self._read(self._viewers, [credentials], False)
        viewer: Viewer | None = viewers[credentials]
        return viewer

    def wake(self) -> None:
        """From any thread."""
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:  # the loop has ended
            self._feed.unlisten(self.wake)

    # ---- the task ----------------------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Until nobody looks any more."""
        while self._guests:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TURN)
            self._woken.clear()
            try:
                await self._turn()
            except Exception:
                logger.exception("The live page missed a turn")
                await asyncio.sleep(TURN)
        self._feed.unlisten(self.wake)
        self._task = None  # at once: who joins while the connection is closed begins anew
        await self._read(close_old_connections)

    async def _turn(self) -> None:
        now = self._loop.time()
        if now >= self._check_at or self._feed.nudged != self._nudged:
            self._check_at, self._nudged = now + CHECK_GUESTS, self._feed.nudged
            await self._check_guests()
        if now >= self._read_all_at:
            self._read_all_at = now + READ_ALL
            self._wall.note_everything()
        is_beat = now >= self._beat_at
        texts = await self._read(self._news, {guest.audience for guest in self._guests}, is_beat)
        if texts:
            self._beat_at = now + BEAT
        for guest in list(self._guests):
            if (text := texts.get(guest.audience)) is not None:
                await self._tell(guest, text)

    async def _tell(self, guest: Guest, text: str) -> None:
        try:
            await guest.tell(text)
        except Exception as error:  # one that is gone is nobody else's trouble
            logger.debug("A page could not be told: %s", error)
            self.leave(guest)

    async def _check_guests(self) -> None:
        try:
            viewers = await self._read(self._viewers, [guest.credentials for guest in self._guests], True)
        except DatabaseError:
            return  # it is said to be away; who was let in stays until somebody can be asked
        self._note_screens({viewer.screen_id for viewer in viewers.values() if viewer and viewer.screen_id})
        for guest in list(self._guests):
            if guest.credentials in viewers and viewers[guest.credentials] != guest.viewer:
                self.leave(guest)
                await guest.dismiss()

    def _note_screens(self, screen_ids: set[int]) -> None:
        """A wall stays open for weeks, and staff wants to know that it lives."""
        if screen_ids and self._loop.time() >= self._note_screens_at:
            self._note_screens_at = self._loop.time() + SEEN_EVERY.total_seconds()
            # Not in our thread: it may wait for a lock.
            self._loop.run_in_executor(None, _note_screens, screen_ids)

    async def _read(self, function: Any, *arguments: Any) -> Any:
        return await self._loop.run_in_executor(self._thread, function, *arguments)

    # ---- in the thread -----------------------------------------------------------------------------------------------

    def _viewers(self, guests: Iterable[Credentials], is_regular: bool) -> dict[Credentials, Viewer | None]:
        """Regularly the connection is a new one: the database may have been moved, or restarted."""
        if is_regular:
            close_old_connections()
        try:
            return viewers_now(guests, timezone.now())
        except DatabaseError:
            close_old_connections()
            raise

    def _greeting(self, audience: Audience, seen: str) -> str:
        troubles = self._refresh()
        revision = self._wall.revision
        changes = self._wall.changes_since(seen)
        whole = Changes(frozenset(tile.id for tile in self._wall.tiles()), is_rearranged=True)
        return self._text(audience, whole if changes is None else changes, revision, troubles, release=release())

    def _news(self, audiences: set[Audience], is_beat: bool) -> dict[Audience, str]:
        troubles = self._refresh(with_breath=True)
        has_news = is_beat or troubles != self._troubles
        self._troubles = troubles
        revision = self._wall.revision  # first: a page that is asked for meanwhile may read again, too
        changes = self._wall.changes_since(self._told) or Changes()
        self._told = revision
        if not changes and not has_news:
            return {}
        return {audience: self._text(audience, changes, revision, troubles) for audience in audiences}

    def _refresh(self, *, with_breath: bool = False) -> list[str]:
        trouble = self._feed.trouble()
        if trouble is not None:
            self._wall.note_everything()
        try:
            self._wall.refresh(with_breath=with_breath or trouble is not None)
        except DatabaseError as error:
            logger.warning("The database cannot be read: %s", in_a_line(error))
            close_old_connections()
            return [Trouble.DATABASE]
        return [] if trouble is None else [trouble]

    def _text(self, audience: Audience, changes: Changes, revision: str, troubles: list[str], **more: str) -> str:
        message: dict[str, Any] = {
            **more,
            "at": self._wall.now.astimezone(UTC).isoformat(timespec="milliseconds"),
            "revision": revision,
            "troubles": troubles,
        }
        look, machine_id = audience.look, audience.machine_id
        if changes.is_rearranged and machine_id is None:
            message["grid"] = self._wall.grid(look, audience.grouping)
        elif cards := {
            str(changed): self._wall.card(changed, look)
            for changed in changes.machine_ids
            if machine_id in (None, changed)
        }:
            message["cards"] = cards
        return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _note_screens(screen_ids: set[int]) -> None:
    try:
        seen(screen_ids, timezone.now())
    finally:
        close_old_connections()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub_here() -> Hub:
    """Of this process's event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(wall, feed)
    return _hubs[loop]
