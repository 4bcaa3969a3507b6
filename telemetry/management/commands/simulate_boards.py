"""Virtual boards that behave towards any backend as the firmware does."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from members.uids import is_reader_uid, normalise_uid
from telemetry.broker_address import BrokerAddress
from telemetry.protocol import MAX_BOARD_NUMBER, Topics
from telemetry.simulation.line import ConnectionRefused
from telemetry.simulation.narrator import Narrator
from telemetry.simulation.people import Habits
from telemetry.simulation.runner import Lab, Plan, random_seed
from telemetry.simulation.summary import progress, summary

MOST_BOARDS = 300  # select() ends at 1,024 open files, three for each board
PROGRESS_EVERY = 10.0


class Command(BaseCommand):
    help = _("Runs virtual boards that behave as the firmware does, against any backend, and says how it answered.")
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        _add_boards(parser)
        _add_broker(parser)
        _add_people(parser)
        parser.add_argument("--duration", type=float, metavar="SECONDS", help=_("real seconds (default: until Ctrl-C)"))
        parser.add_argument("--speed", type=float, default=1.0, help=_("how much faster than life the lab runs"))
        parser.add_argument("--seed", type=int, help=_("the same number makes the same people come"))
        parser.add_argument("--quiet", action="store_true", help=_("only progress, trouble with the broker, summary"))

    def handle(self, *args: Any, **options: Any) -> None:
        plan = plan_from(options)
        narrator = Narrator(self.stdout.write, is_quiet=options["quiet"])
        narrator.say(
            _("{boards} boards at {address}, seed {seed}. Ctrl-C ends it.").format(
                boards=len(plan.machines), address=plan.address, seed=plan.seed
            )
        )
        if not plan.cards:
            narrator.say(_("No cards given (--cards, --cards-list): all who come are unknown."))
        lab = Lab(plan, narrator.tell)
        _end_with_a_signal(lab.stop)
        lab.run(PROGRESS_EVERY, lambda seconds: narrator.say(progress(lab.boards, seconds)))
        if any(board.tally.connections for board in lab.boards) or lab.problem is None:
            narrator.say("\n" + summary(lab.boards))
        if isinstance(lab.problem, ConnectionRefused):
            raise CommandError(f"{lab.problem}.")
        if lab.problem is not None:
            raise lab.problem


def plan_from(options: dict[str, Any]) -> Plan:
    """Raises CommandError with a sentence for what makes no sense."""
    for name in ("speed", "between", "use"):
        if options[name] <= 0:
            raise CommandError(_("--{name} has to be more than 0.").format(name=name))
    if options["duration"] is not None and options["duration"] <= 0:
        raise CommandError(_("--{name} has to be more than 0.").format(name="duration"))
    return Plan(
        machines=_machines(options),
        address=_address(options["url"]),
        topics=Topics(options["topic"], options["reply_subtopic"], options["request_subtopic"]),
        cards=_cards(options),
        habits=Habits(minutes_between=options["between"], minutes_of_use=options["use"]),
        speed=options["speed"],
        duration=options["duration"],
        seed=random_seed() if options["seed"] is None else options["seed"],
        power_cuts=options["power_cuts"],
        syncs_cards=options["synccache"],
    )


def _add_boards(parser: ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--machines", metavar="1,2,3", help=_("the machines' numbers, as typed into the boards"))
    which.add_argument("--boards", type=int, default=3, metavar="N", help=_("how many boards (default: 3)"))
    parser.add_argument("--first-machine", type=int, default=1, metavar="M", help=_("with --boards: the lowest number"))
    parser.add_argument("--power-cuts", type=int, default=0, metavar="N", help=_("so many boards lose power once"))
    parser.add_argument("--synccache", action="store_true", help=_("the boards ask for cards to remember"))


def _add_broker(parser: ArgumentParser) -> None:
    parser.add_argument("--url", default=settings.MQTT_URL, help=_("mqtt://user:password@host:port"))
    parser.add_argument("--topic", default=settings.MQTT_TOPIC)
    parser.add_argument("--reply-subtopic", default=settings.MQTT_REPLY_SUBTOPIC)
    parser.add_argument("--request-subtopic", default=settings.MQTT_REQUEST_SUBTOPIC)


def _add_people(parser: ArgumentParser) -> None:
    cards = parser.add_mutually_exclusive_group()
    cards.add_argument("--cards", type=Path, metavar="FILE", help=_("card numbers, one in a line"))
    cards.add_argument("--cards-list", metavar="UID,UID", help=_("card numbers"))
    parser.add_argument(
        "--between", type=float, default=10.0, metavar="MINUTES", help=_("mean time from one use to the next")
    )
    parser.add_argument("--use", type=float, default=20.0, metavar="MINUTES", help=_("usual length of a use"))


def _machines(options: dict[str, Any]) -> list[str]:
    if options["machines"] is None:
        first = options["first_machine"]
        machines = [str(number) for number in range(first, first + options["boards"])]
    else:
        machines = [number.strip() for number in options["machines"].split(",")]
    if not 1 <= len(machines) <= MOST_BOARDS:
        raise CommandError(_("From 1 to {most} boards.").format(most=MOST_BOARDS))
    for number in machines:
        if not (number.isascii() and number.isdigit()) or len(number) > 20 or int(number) > MAX_BOARD_NUMBER:
            raise CommandError(_("{number} is no machine's number (0 to 65535).").format(number=number))
    return machines


def _address(url: str) -> BrokerAddress:
    try:
        return BrokerAddress.from_url(url)
    except ValueError as problem:
        raise CommandError(_("The broker's address is wrong: {problem}.").format(problem=problem)) from None


def _cards(options: dict[str, Any]) -> list[str]:
    if options["cards"] is None:
        lines = (options["cards_list"] or "").split(",")
    else:
        try:
            lines = options["cards"].read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            raise CommandError(_("{file} cannot be read.").format(file=options["cards"])) from None
    uids = [normalise_uid(line) for line in lines if line.strip()]
    for uid in uids:
        if not is_reader_uid(uid):
            raise CommandError(_("{uid} is no card number (8 hexadecimal digits).").format(uid=uid))
    return uids


def _end_with_a_signal(stop: threading.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
