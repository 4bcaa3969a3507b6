import gc
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from fabomatic.checks import TAG
from telemetry import database, nudge
from telemetry.broker_address import BrokerAddress
from telemetry.checkup import CheckFailed, check_broker, check_database
from telemetry.link import Link
from telemetry.protocol import Topics
from telemetry.worker import Worker, claims


class Command(BaseCommand):
    help = _("Answers the boards over MQTT, until it is told to stop.")
    requires_system_checks = [TAG]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help=_("Say what is wrong with broker, credentials or database, and exit.")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        address = BrokerAddress.from_url(settings.MQTT_URL)
        if options["check"]:
            self._check(address)
            return
        database.configure()
        worker = _worker(address)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(worker, "is_stopping", True))
        # What was imported stays for good: the collector need not look at it again and again between taps.
        gc.collect()
        gc.freeze()
        sentence = worker.run()
        if sentence is not None:
            raise CommandError(sentence)

    def _check(self, address: BrokerAddress) -> None:
        try:
            milliseconds = check_broker(address, settings.MQTT_CLIENT_ID)
            machines = check_database()
        except CheckFailed as failure:
            raise CommandError(str(failure)) from None
        self.stdout.write(
            _(
                "All is well: the broker at %(address)s answers in %(milliseconds).1f ms, "
                "the database has %(machines)d machines."
            )
            % {"address": address, "milliseconds": milliseconds, "machines": machines}
        )


def _worker(address: BrokerAddress) -> Worker:
    topics = Topics(settings.MQTT_TOPIC, settings.MQTT_REPLY_SUBTOPIC, settings.MQTT_REQUEST_SUBTOPIC)
    subscriptions = (topics.subscription, nudge.TOPIC, *claims(settings.MQTT_CLIENT_ID, topics))
    return Worker(
        Link(address, settings.MQTT_CLIENT_ID, subscriptions),
        topics,
        client_id=settings.MQTT_CLIENT_ID,
        stats_topic=settings.MQTT_STATS_TOPIC,
        packet_limit=settings.BOARD_PACKET_LIMIT,
    )
