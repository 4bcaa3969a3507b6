"""Messages that wait for the database: in order, but for signs of life, which nobody waits for an answer to."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from telemetry.protocol import Alive, CheckUser, Message

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

    @property
    def machine_id(self) -> int:
        return self.message.machine_id


class Pending:
    """After a power cut all boards say at once that they are alive, and then ask: the questions go first.

    A tap is the exception: whether two boards claim its machine has to be known before it is decided.
    """

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._alives: deque[Job] = deque()
        self._of_machine: Counter[int] = Counter()
        self._alives_of_machine: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._jobs) + len(self._alives)

    def add(self, job: Job) -> None:
        if not isinstance(job.message, Alive):
            self._queue(job)
        elif len(self._alives) < MAX_ALIVES:
            self._alives.append(job)
            self._alives_of_machine[job.machine_id] += 1

    def has_to_wait(self, message: Message) -> bool:
        """Whether something of the same machine has to be done before this can be answered."""
        if isinstance(message, CheckUser) and self._alives_of_machine[message.machine_id]:
            for job in [job for job in self._alives if job.machine_id == message.machine_id]:
                self._let_in(job)
        return self._of_machine[message.machine_id] > 0

    def is_ready(self, now: float) -> bool:
        """Whether a batch should not wait any longer for what else arrives."""
        if self._alives and now - self._alives[0].arrived > ALIVE_SECONDS:
            return True
        return bool(self._jobs) and (len(self._jobs) >= BATCH_MESSAGES or now - self._jobs[0].arrived > BATCH_SECONDS)

    def batch(self, now: float) -> list[Job]:
        while self._alives and len(self._jobs) < BATCH_MESSAGES:
            if self._jobs and now - self._alives[0].arrived <= ALIVE_SECONDS:
                break
            self._let_in(self._alives[0])
        return list(islice(self._jobs, BATCH_MESSAGES))

    def jobs(self) -> list[Job]:
        return list(self._jobs)

    def remove(self, job: Job) -> None:
        self._jobs.remove(job)
        self._of_machine[job.machine_id] -= 1

    def _let_in(self, job: Job) -> None:
        self._alives.remove(job)
        self._alives_of_machine[job.machine_id] -= 1
        self._queue(job)

    def _queue(self, job: Job) -> None:
        self._jobs.append(job)
        self._of_machine[job.machine_id] += 1
