"""What machines look like now, kept in memory of each web process: a page of a thousand is text to be joined.

Threads share it: pages ask in theirs, the hub in its own.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from django.template import loader
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from members.names import Names
from telemetry.live.tiles import Tile, read_tiles
from telemetry.status import State

BREATH = 0.2  # seconds


class Grouping(StrEnum):
    TYPE = "type"
    PLACE = "place"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Look:
    """Everything on which the text of a card depends, beside its machine."""

    language: str
    names: Names


@dataclass(frozen=True, slots=True)
class Changes:
    """Machines that look different now, and whether any came, went, or has to stand elsewhere."""

    machine_ids: frozenset[int] = frozenset()
    is_rearranged: bool = False

    def __bool__(self) -> bool:
        return bool(self.machine_ids) or self.is_rearranged


@dataclass(slots=True)
class Marks:
    """What has to be read again. Set in the network's thread, which must never wait for the database."""

    everything: bool = True
    some: set[int] = field(default_factory=set)


class Wall:
    def __init__(
        self,
        read: Callable[..., dict[int, Tile]] = read_tiles,
        clock: Callable[[], datetime] = timezone.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._monotonic = monotonic
        self._everything_read_at = -BREATH
        self._reading = threading.RLock()
        self._marking = threading.Lock()
        self._marks = Marks()
        self._online: set[int] = set()
        self._epoch = secrets.token_hex(4)
        self._revision = 0
        self._tiles: dict[int, Tile] = {}
        self._changed_at: dict[int, int] = {}
        self._rearranged_at = 0
        self._cards: dict[Look, dict[int, SafeString]] = {}
        self._grids: dict[tuple[Look, Grouping], SafeString] = {}

    # ---- what we are told --------------------------------------------------------------------------------------------

    def note(self, machine_id: int, *, is_online: bool) -> None:
        with self._marking:
            self._marks.some.add(machine_id)
            (self._online.add if is_online else self._online.discard)(machine_id)

    def note_everything(self) -> None:
        with self._marking:
            self._marks.everything = True

    def online(self) -> frozenset[int]:
        """As we were told; the database follows within half a minute."""
        with self._marking:
            return frozenset(self._online)

    def forget_who_is_online(self) -> None:
        """From now on by what the database says: nobody tells us any more."""
        with self._marking:
            self._online.clear()
            self._marks.everything = True

    # ---- what we show ------------------------------------------------------------------------------------------------

    @property
    def revision(self) -> str:
        return f"{self._epoch}-{self._revision}"

    @property
    def now(self) -> datetime:
        return self._clock()

    @property
    def has_marks(self) -> bool:
        return self._marks.everything or bool(self._marks.some)

    def refresh(self, *, with_breath: bool = False) -> None:
        """Reads again what was marked; what cannot be read stays marked.

        With breath, everything is not read again at once: somebody saves a hundred forms in a row.
        """
        with self._reading:
            marks, now, heard = self._take_marks(with_breath=with_breath)
            if not marks.everything and not marks.some:
                return
            try:
                found = self._read(now, None if marks.everything else marks.some, heard)
            except Exception:
                self._mark_again(marks)
                raise
            if marks.everything:
                self._everything_read_at = self._monotonic()
            self._take(found, set(self._tiles) if marks.everything else marks.some)

    def changes_since(self, revision: str) -> Changes | None:
        """None where that revision is not one of ours: everything may have changed."""
        epoch, _, digits = revision.partition("-")
        if epoch != self._epoch or not (digits.isascii() and digits.isdigit() and len(digits) < 20):
            return None
        with self._reading:
            seen = int(digits)
            changed = frozenset(machine_id for machine_id, at in self._changed_at.items() if at > seen)
            return Changes(changed, is_rearranged=self._rearranged_at > seen)

    def tiles(self) -> list[Tile]:
        return list(self._tiles.values())

    def card(self, machine_id: int, look: Look) -> SafeString | None:
        """None for a machine that does not exist."""
        with self._reading, translation.override(look.language):
            return self._card(machine_id, look)

    def grid(self, look: Look, grouping: Grouping) -> SafeString:
        """The same text until something changes: of a thousand machines it is large, and many ask for it at once."""
        with self._reading, translation.override(look.language):
            if (look, grouping) not in self._grids:
                self._grids[look, grouping] = self._render_grid(look, grouping)
            return self._grids[look, grouping]

    def counts(self) -> dict[State, int]:
        states = [tile.state for tile in self.tiles()]
        return {state: states.count(state) for state in State}

    # ---- inside ------------------------------------------------------------------------------------------------------

    def _take_marks(self, *, with_breath: bool) -> tuple[Marks, datetime, dict[int, datetime]]:
        with self._marking:
            marks = self._marks
            is_too_soon = with_breath and self._monotonic() - self._everything_read_at < BREATH
            self._marks = Marks(everything=marks.everything and is_too_soon)
            marks.everything &= not is_too_soon
            now = self._clock()
            return marks, now, dict.fromkeys(self._online, now)

    def _mark_again(self, marks: Marks) -> None:
        with self._marking:
            self._marks.everything |= marks.everything
            self._marks.some |= marks.some

    def _take(self, found: dict[int, Tile], asked: set[int]) -> None:
        changed = {machine_id for machine_id, tile in found.items() if self._tiles.get(machine_id) != tile}
        changed |= {machine_id for machine_id in asked if machine_id in self._tiles and machine_id not in found}
        if not changed:
            return
        places_before = {machine_id: _place_of(self._tiles.get(machine_id)) for machine_id in changed}
        tiles = {**self._tiles, **found}
        for machine_id in changed - found.keys():
            del tiles[machine_id]
        self._tiles = tiles
        self._grids.clear()
        self._revision += 1
        if any(_place_of(tiles.get(machine_id)) != place for machine_id, place in places_before.items()):
            self._rearranged_at = self._revision
        for machine_id in changed:
            self._changed_at[machine_id] = self._revision
            for cards in self._cards.values():
                cards.pop(machine_id, None)

    def _render_grid(self, look: Look, grouping: Grouping) -> SafeString:
        sections = [
            {"title": title or _untitled(grouping), "cards": self._joined_cards(tiles, look)}
            for title, tiles in _grouped(self._tiles, grouping)
        ]
        return loader.render_to_string("live/grid.html", {"sections": sections})

    def _joined_cards(self, tiles: list[Tile], look: Look) -> SafeString:
        """A template would take four times as long to put a thousand after each other."""
        return mark_safe("".join(self._card(tile.id, look) or "" for tile in tiles))  # noqa: S308

    def _card(self, machine_id: int, look: Look) -> SafeString | None:
        tile = self._tiles.get(machine_id)
        if tile is None:
            return None
        cards = self._cards.setdefault(look, {})
        if machine_id not in cards:
            context = {"tile": tile, "person": tile.person(look.names)}
            cards[machine_id] = mark_safe(loader.render_to_string("live/card.html", context).strip())  # noqa: S308
        return cards[machine_id]


wall = Wall()
"""Of this process."""


def _place_of(tile: Tile | None) -> tuple[str, ...] | None:
    """On what it depends where a card stands."""
    return None if tile is None else (tile.name, tile.type, tile.place)


def _grouped(tiles: Mapping[int, Tile], grouping: Grouping) -> Iterator[tuple[str, list[Tile]]]:
    def title_of(tile: Tile) -> str:
        match grouping:
            case Grouping.TYPE:
                return tile.type
            case Grouping.PLACE:
                return tile.place
            case Grouping.NONE:
                return ""

    def order(tile: Tile) -> tuple[bool, str, str, str, int]:
        title = title_of(tile)
        # Machines without a place come last.
        return (title == "", title.casefold(), title, tile.name.casefold(), tile.id)

    for title, members in groupby(sorted(tiles.values(), key=order), key=title_of):
        yield title, list(members)


def _untitled(grouping: Grouping) -> str:
    return gettext("No place given") if grouping is Grouping.PLACE else ""
