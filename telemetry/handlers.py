"""Which rule answers which message. Knows the rules and the messages, not how they travel."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from machines import access, maintenance, usage
from machines.access import Decision, Holder, MachineFacts, Outcome
from telemetry import boards
from telemetry.collected import TapNote
from telemetry.protocol import (
    ACTIONS,
    MAX_CACHED_CARDS,
    Alive,
    CacheReply,
    CheckMachine,
    CheckUser,
    InUse,
    MachineReply,
    MaintenanceDone,
    Message,
    Question,
    Reply,
    SimpleReply,
    StartUse,
    StopUse,
    SyncCache,
    UserReply,
    refusal,
)

logger = logging.getLogger(__name__)

UNKNOWN_MACHINE = "unknown machine"
UNKNOWN_CARD = "unknown card"


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send, and what the worker has to remember about it."""

    reply: Reply | None
    machine_exists: bool = True
    is_changed: bool = False
    tap: TapNote | None = None


def answer(message: Message, now: datetime) -> Answer:
    """What happened is written in the transaction that is open; questions write nothing."""
    machine = access.find_machine(message.machine_id)
    if machine is None:
        return Answer(refusal(ACTIONS[type(message)], UNKNOWN_MACHINE), machine_exists=False)
    match message:
        case CheckUser() | CheckMachine() | SyncCache():
            return _answer_question(message, machine, now)
        case StartUse() | InUse() | StopUse():
            return _record_use(message, machine, now)
        case MaintenanceDone():
            return _record_maintenance(message, machine, now)
        case Alive():
            return _hear_board(message, now)


def _answer_question(question: Question, machine: MachineFacts, now: datetime) -> Answer:
    match question:
        case CheckUser():
            return _check_user(question, machine, now)
        case CheckMachine():
            return Answer(_machine_reply(machine, now))
        case SyncCache():
            has_conflict = boards.has_conflict(machine.id)
            cards = access.useful_cards(machine.id, now, MAX_CACHED_CARDS, has_conflict=has_conflict)
            return Answer(CacheReply(request_ok=True, cards=tuple(cards)))


def _check_user(question: CheckUser, machine: MachineFacts, now: datetime) -> Answer:
    decision, holder = _decide(machine, question.uid, now)
    reply = UserReply(
        request_ok=True,
        is_valid=decision.is_granted,
        name=holder.name if holder else "",
        level=decision.level,
        missing_auth=decision.is_missing_authorization,
    )
    card_id = holder.card_id if holder else None
    return Answer(reply, tap=TapNote(now, machine.id, question.uid, decision.outcome, decision.level, card_id))


def _decide(machine: MachineFacts, uid: str, now: datetime) -> tuple[Decision, Holder | None]:
    holder = access.find_holder(machine.id, uid)
    return access.judge(machine, holder, now, has_conflict=boards.has_conflict(machine.id)), holder


def _machine_reply(machine: MachineFacts, now: datetime) -> MachineReply:
    due = maintenance.due(maintenance.active_plans(machine.id), machine.seconds_used, now)
    return MachineReply(
        request_ok=True,
        is_valid=True,
        maintenance=bool(due),
        allowed=not machine.is_blocked,
        name=machine.name,
        logoff=machine.auto_logoff_minutes,
        type=machine.type_id,
        grace=machine.grace_minutes,
        description=due[0].board_message if due else "",
    )


def _record_use(event: StartUse | InUse | StopUse, machine: MachineFacts, now: datetime) -> Answer:
    """A card that nobody has is recorded too, and refused: the machine did run."""
    decision, holder = _decide(machine, event.uid, now)
    note = "" if decision.is_granted else str(decision.outcome.sentence)
    who = usage.Who(event.uid, holder.member_id if holder else None, note)
    match event:
        case StartUse():
            usage.start(machine.id, who, now, is_replay=event.is_replay)
        case InUse():
            usage.sign_of_life(machine.id, who, event.duration, now)
        case StopUse():
            usage.stop(machine.id, who, event.duration, now, is_replay=event.is_replay)
    if decision.outcome is Outcome.UNKNOWN_CARD or holder is None:
        return Answer(SimpleReply(request_ok=False, message=UNKNOWN_CARD), is_changed=True)
    return Answer(SimpleReply(request_ok=True, message=""), is_changed=True)


def _record_maintenance(event: MaintenanceDone, machine: MachineFacts, now: datetime) -> Answer:
    holder = access.find_holder(machine.id, event.uid)
    if holder is None:
        return Answer(SimpleReply(request_ok=False, message=UNKNOWN_CARD))
    if not holder.may_confirm_maintenance():
        return Answer(SimpleReply(request_ok=False, message="this member does no maintenance"))
    done = maintenance.record_work(machine.id, holder.member_id, machine.seconds_used, now, is_replay=event.is_replay)
    return Answer(SimpleReply(request_ok=True, message=""), is_changed=bool(done))


def _hear_board(alive: Alive, now: datetime) -> Answer:
    heard = boards.hear(alive, now)
    if heard is boards.Heard.CONFLICT:
        logger.warning(
            "Board %s speaks for machine %d, where it may not belong: taps there are refused until staff decides.",
            alive.serial,
            alive.machine_id,
        )
    elif heard is boards.Heard.SWAPPED:
        logger.info("Board %s has taken the place of another at machine %d.", alive.serial, alive.machine_id)
    return Answer(None, is_changed=heard is boards.Heard.CONFLICT)
