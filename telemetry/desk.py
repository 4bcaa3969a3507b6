"""Takes messages, answers them in time or keeps silent, and never fails because of one.

What happened is written before it is answered, several messages in one transaction; questions are answered at once and
do not wait for anybody's lock. protocol.md's first table says what an answer, a refusal and silence do to a board.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError, connection, transaction

from machines.access import Outcome
from telemetry import boards, database
from telemetry.collected import LastHeard, TapNote, Taps
from telemetry.complaints import Complaints
from telemetry.handlers import UNKNOWN_MACHINE, Answer, answer
from telemetry.pending import MAX_ALIVES, PATIENCE, Job, Pending
from telemetry.protocol import (
    ACTIONS,
    Alive,
    BadMessage,
    CheckUser,
    Reply,
    SyncCache,
    Topics,
    encode,
    is_kept_by_boards,
    is_question,
    parse,
    refusal,
)
from telemetry.status import is_online

GIVE_UP = 1.4  # leaves time to say that we could not
RETRY = 0.001
AWAY_SECONDS = 0.5

Publish = Callable[[str, bytes], object]


class Away(OperationalError):
    """Not even tried, because the last try has only just failed; or tried until now, and locked by somebody else.

    Another connection would not help.
    """


@dataclass(slots=True)
class Counts:
    received: int = 0
    sent: int = 0
    late: int = 0
    failed: int = 0


class Desk:
    def __init__(
        self,
        publish: Publish,
        topics: Topics,
        packet_limit: int,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish = publish
        self._topics = topics
        self._packet_limit = packet_limit
        self._clock = clock
        self._monotonic = monotonic
        self._away_until = -1.0
        self._locked_until = -1.0
        self._met_a_lock = False
        self._file = database.FileWatch()
        self.pending = Pending()
        self.taps = Taps()
        self.heard = LastHeard()
        self.changed: set[int] = set()
        self.someone_came = False
        self.counts = Counts()
        self._unheard: dict[tuple[int, str | None], Job] = {}
        self.complaints = Complaints(monotonic)

    # ---- the seam ----------------------------------------------------------------------------------------------------

    def handle_one(self, topic: str, payload: bytes, arrived: float) -> None:
        """From arrival to answer or silence, waiting for locks as long as the board waits for us."""
        self.accept(topic, payload, arrived)
        while self.pending:
            if not self.serve_pending():
                time.sleep(RETRY)

    def accept(self, topic: str, payload: bytes, arrived: float) -> None:
        """Answers a question now where it can; anything else is pending, in order."""
        self.counts.received += 1
        try:
            self._accept(topic, payload, arrived)
        except Exception as error:
            self.complaints.say("a message cannot be handled", topic, logging.ERROR, bug=error)

    def batch_is_ready(self) -> bool:
        return self.pending.is_ready(self._monotonic())

    def serve_pending(self) -> bool:
        """False when nothing moved: somebody holds the database's lock."""
        before = len(self.pending)
        self._give_up_on_old()
        began = self._monotonic()
        if began >= self._locked_until and (batch := self.pending.batch(began)):
            self._met_a_lock = False
            self._serve_batch(batch)
            if self._met_a_lock:
                # PostgreSQL waits a while for each locked row: others, who need none of them, have as long in between.
                now = self._monotonic()
                self._locked_until = now + (now - began)
        return len(self.pending) < before

    def hear_again(self, machine_id: int | None = None) -> None:
        """Signs of life that the database did not take: no tap is decided as if nobody else claimed its machine."""
        for key in [key for key in self._unheard if machine_id in (None, key[0])]:
            job = self._unheard.pop(key)
            job.arrived, job.was_tried = self._monotonic(), False
            self.pending.add(job, job.arrived)

    # ---- in ----------------------------------------------------------------------------------------------------------

    def _accept(self, topic: str, payload: bytes, arrived: float) -> None:
        try:
            message = parse(self._topics.machine_id(topic), payload)
        except BadMessage as bad:
            self.complaints.say(bad.reason, topic)
            if bad.action is not None:
                self._send(topic, refusal(bad.action, bad.reason), arrived)
            return
        now = self._clock() - timedelta(seconds=max(0.0, self._monotonic() - arrived))
        job = Job(message, topic, arrived, now)
        if isinstance(message, Alive):
            job.is_news = self._is_news(message, now)
        if self._unheard and isinstance(message, CheckUser | SyncCache):
            self.hear_again(message.machine_id)
        if not is_question(message) or self.pending.has_to_wait(message) or not self._try_question(job):
            self.pending.add(job, self._monotonic())

    def _try_question(self, job: Job) -> bool:
        """False: the database is locked, ask again."""
        if not job.was_tried and self._is_late(job):
            self._drop_late(job)
            return True
        job.was_tried = True
        try:
            self._refuse_while_away()
            found = self._answer(job)
        except Exception as error:
            if database.is_busy(error):
                self._met_a_lock = True
                return False
            self._fail(job, error)
            return True
        self._finish(job, found)
        return True

    def _is_news(self, alive: Alive, now: datetime) -> bool:
        """A board that is where it belongs keeps no tap waiting; who cannot be looked up may be anywhere."""
        try:
            self._refuse_while_away()
            return boards.is_news(alive, now)
        except Exception as error:
            if not database.has_failed(error):
                raise
            return True

    def _has_unheard(self, machine_id: int) -> bool:
        return bool(self._unheard) and any(machine_id == unheard for unheard, _serial in self._unheard)

    def _answer(self, job: Job) -> Answer:
        if isinstance(job.message, CheckUser | SyncCache) and self._has_unheard(job.machine_id):
            raise Away("which board speaks could not be noted")
        return answer(job.message, job.now)

    # ---- what happened -----------------------------------------------------------------------------------------------

    def _serve_batch(self, batch: list[Job]) -> None:
        if all(is_question(job.message) for job in batch):
            for job in batch:
                if not self._try_question(job):
                    return  # who reads meets no row's lock, only one that stops all who read
                self.pending.remove(job)
            return
        self._record(batch)

    def _record(self, batch: list[Job]) -> bool:
        """In one transaction. Where one message fails they are recorded one by one, and the others do not notice.

        False: somebody holds a lock.
        """
        for job in batch:
            job.was_tried = True
        has_begun = False
        try:
            self._refuse_while_away()
            with transaction.atomic():
                has_begun = True
                found = [self._answer(job) for job in batch]
        except Exception as error:
            if has_begun and len(batch) > 1:
                return self._record_one_by_one(batch)
            if database.is_busy(error):
                self._met_a_lock = True
                return False
            for job in batch:
                self.pending.remove(job)
                self._fail(job, error)
            return True
        for job, answered in zip(batch, found, strict=True):
            self.pending.remove(job)
            self._finish(job, answered)
        return True

    def _record_one_by_one(self, batch: list[Job]) -> bool:
        """What waits for a lock lets others pass, but none of its own machine."""
        waiting: set[int] = set()
        for job in batch:
            if job.machine_id not in waiting and not self._record([job]):
                waiting.add(job.machine_id)
        return not waiting

    def _give_up_on_old(self) -> None:
        """What could not be done within a board's patience: say so to questions, say nothing about what happened."""
        for job in self.pending.older_than(GIVE_UP, self._monotonic()):
            if job.was_tried:
                self.pending.remove(job)
                self._fail(job, Away("the database stayed locked"))
            elif is_question(job.message) and self._is_late(job):
                self.pending.remove(job)
                self._drop_late(job)

    # ---- out ---------------------------------------------------------------------------------------------------------

    def _finish(self, job: Job, found: Answer) -> None:
        if not found.machine_exists:
            self.complaints.say(UNKNOWN_MACHINE, job.topic)
            self._send(job.topic, found.reply, job.arrived)
            return
        if isinstance(job.message, Alive):
            self._unheard.pop((job.machine_id, job.message.serial), None)
        before = self.heard.note(job.machine_id, job.now)
        if not is_online(before, job.now):
            self.someone_came = True
            self.changed.add(job.machine_id)
        if found.is_changed:
            self.changed.add(job.machine_id)
        was_sent = self._send(job.topic, found.reply, job.arrived)
        if found.tap is not None:
            self._note_tap(found.tap if was_sent else _unanswered(found.tap.at, found.tap.machine_id, found.tap.uid))

    def _fail(self, job: Job, error: Exception) -> None:
        """Our own failure: questions hear that we could not decide; what happened the board keeps and brings again."""
        self.counts.failed += 1
        action = ACTIONS[type(job.message)]
        reply = None if is_kept_by_boards(job.message) else refusal(action, "try again later")
        if database.has_failed(error):
            self.complaints.say(f"the database failed: {database.in_a_line(error)}", level=logging.ERROR)
            if not isinstance(error, Away):
                self._renew_connection()
            if isinstance(job.message, Alive) and job.is_news and len(self._unheard) < MAX_ALIVES:
                self._unheard[(job.machine_id, job.message.serial)] = job
        else:
            self._say_what_is_wrong(f"a {action.value} cannot be recorded", job.topic, error)
            if getattr(job.message, "is_replay", False):
                # It failed before and would fail for ever, and the board sends nothing else meanwhile.
                reply = refusal(action, "this cannot be recorded")
            if isinstance(error, DatabaseError):
                self._renew_connection()
        self._send(job.topic, reply, job.arrived)
        if isinstance(job.message, CheckUser):
            self._note_tap(_unanswered(job.now, job.machine_id, job.message.uid))

    def _say_what_is_wrong(self, what: str, topic: str, error: Exception) -> None:
        """A database's whole complaint shows the row with its card: one line of it does."""
        if isinstance(error, DatabaseError):
            self.complaints.say(f"{what}: {database.in_a_line(error)}", topic, logging.ERROR)
        else:
            self.complaints.say(what, topic, logging.ERROR, bug=error)

    def _drop_late(self, job: Job) -> None:
        self.counts.late += 1
        if isinstance(job.message, CheckUser):
            self._note_tap(_unanswered(job.now, job.machine_id, job.message.uid))

    def _send(self, topic: str, reply: Reply | None, arrived: float) -> bool:
        """Whether it left; an answer that is late stays here."""
        if reply is None:
            return False
        reply_topic = self._topics.reply_to(topic)
        try:
            payload = encode(reply, reply_topic, self._packet_limit)
            if self._monotonic() - arrived > PATIENCE:
                self.counts.late += 1
                return False
            self._publish(reply_topic, payload)
        except Exception as error:
            self.complaints.say("a reply cannot be sent", topic, logging.ERROR, bug=error)
            return False
        self.counts.sent += 1
        return True

    def _note_tap(self, tap: TapNote) -> None:
        if not self.taps.note(tap):
            self.complaints.say("more taps than anybody can make; not all are kept", f"machine {tap.machine_id}")

    # ---- the database ------------------------------------------------------------------------------------------------

    def _refuse_while_away(self) -> None:
        """A database that could not be reached is asked twice a second, not at each tap: every try may take long."""
        if self._monotonic() < self._away_until:
            raise Away("the database cannot be reached")
        self._file.refresh()

    def _renew_connection(self) -> None:
        if connection.connection is None:
            self._away_until = self._monotonic() + AWAY_SECONDS
        database.renew()

    # ---- time --------------------------------------------------------------------------------------------------------

    def _age(self, job: Job) -> float:
        return self._monotonic() - job.arrived

    def _is_late(self, job: Job) -> bool:
        return self._age(job) > PATIENCE


def _unanswered(at: datetime, machine_id: int, uid: str) -> TapNote:
    return TapNote(at, machine_id, uid, Outcome.UNANSWERED)
