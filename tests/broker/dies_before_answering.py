"""The worker, but it dies as by a power cut between writing the first stop and answering it."""

import os
import signal

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from telemetry.link import Link  # noqa: E402

publish = Link.publish


def die_instead(self, topic, payload, *args, **kwargs):
    if topic.endswith("/reply") and b'"message"' in payload:
        os.kill(os.getpid(), signal.SIGKILL)
    publish(self, topic, payload, *args, **kwargs)


Link.publish = die_instead
call_command("mqtt_worker")
