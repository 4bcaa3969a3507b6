"""Messages that wait for the database: in order, but first those that can still be answered.

Order matters within a machine only, and a board has one message under way: boards do not mind who is served first.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from telemetry.protocol import Alive, CheckUser, Message, SyncCache, is_kept_by_boards

PATIENCE = 1.5  # seconds; a board waits 2, and reads what comes later as the answer to its next query
BATCH_MESSAGES = 32
BATCH_SECONDS = 0.02
ALIVE_SECONDS = 1.0  # after that a sign of life waits no longer for quiet
MAX_ALIVES = 4000


@dataclass(slots=True, eq=False)
class Job:
    """A message on its way; `arrived` is monotonic, `now` the same moment on the clock."""

    message: Message
    topic: str
    arrived: float
    now: datetime
    was_tried: bool = False
    is_late: bool = False
    is_news: bool = True  # of a sign of life: it may change who speaks for the machine

    @property
    def machine_id(self) -> int:
        return self.message.machine_id


class Pending:
    """After a power cut all boards say at once that they are alive, and then ask: the questions go first.

    A tap is the exception, and cards to remember: whether two boards claim a machine has to be known before.

    What happened and got no turn in time is recorded when nothing else waits. Served in between it would make the next
    ones late as well, until nobody is answered any more.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._alives: deque[Job] = deque()
        self._late: dict[int, list[Job]] = {}
        self._of_machine: Counter[int] = Counter()
        self._news_of_machine: Counter[int] = Counter()
        self._collecting_since = 0.0

    def __len__(self) -> int:
        return len(self._jobs) + len(self._alives) + len(self._late)

    def add(self, job: Job, now: float) -> None:
        if not self._jobs:
            self._collecting_since = now
        if not isinstance(job.message, Alive):
            if is_kept_by_boards(job.message):
                # What a board gave up waiting for it brings first: the same again. Unless it takes it for answered.
                for late in self._late.pop(job.machine_id, ()):
                    if not _is_same(late.message, job.message):
                        self._queue(late)
            self._queue(job)
        elif len(self._alives) < MAX_ALIVES:
            self._alives.append(job)
            self._news_of_machine[job.machine_id] += job.is_news

    def has_to_wait(self, message: Message) -> bool:
        """Whether something of the same machine has to be done before this can be answered."""
        if isinstance(message, CheckUser | SyncCache) and self._news_of_machine[message.machine_id]:
            for job in [job for job in self._alives if job.machine_id == message.machine_id]:
                self._let_in(job)
        return self._of_machine[message.machine_id] > 0

    def is_ready(self, now: float) -> bool:
        """Whether a batch should not wait any longer for what else arrives."""
        if self._alives and now - self._alives[0].arrived > ALIVE_SECONDS:
            return True
        return len(self._jobs) >= BATCH_MESSAGES or (bool(self._jobs) and now - self._collecting_since > BATCH_SECONDS)

    def batch(self, now: float) -> list[Job]:
        """The next ones to serve together; questions in it may be late, and are then for dropping."""
        self._set_late_aside(now)
        while self._alives and len(self._jobs) < BATCH_MESSAGES:
            if self._jobs and now - self._alives[0].arrived <= ALIVE_SECONDS:
                break
            self._let_in(self._alives[0])
        if not self._jobs:
            self._take_late_up()
        return list(islice(self._jobs, BATCH_MESSAGES))

    def older_than(self, seconds: float, now: float) -> list[Job]:
        """From the front: they stand in the order of their arrival."""
        return list(takewhile(lambda job: now - job.arrived > seconds, self._jobs))

    def remove(self, job: Job) -> None:
        self._jobs.remove(job)
        self._of_machine[job.machine_id] -= 1

    def _set_late_aside(self, now: float) -> None:
        for job in self.older_than(PATIENCE, now):
            if not job.was_tried and not job.is_late and is_kept_by_boards(job.message):
                self.remove(job)
                job.is_late = True
                self._late.setdefault(job.machine_id, []).append(job)

    def _take_late_up(self) -> None:
        while self._late and len(self._jobs) < BATCH_MESSAGES:
            for job in self._late.pop(next(iter(self._late))):
                self._queue(job)

    def _let_in(self, job: Job) -> None:
        self._alives.remove(job)
        self._news_of_machine[job.machine_id] -= job.is_news
        self._queue(job)

    def _queue(self, job: Job) -> None:
        self._jobs.append(job)
        self._of_machine[job.machine_id] += 1


def _is_same(one: Message, other: Message) -> bool:
    """But for being a replay."""
    return type(one) is type(other) and all(
        getattr(one, name) == getattr(other, name) for name in one.__dataclass_fields__ if name != "is_replay"
    )
