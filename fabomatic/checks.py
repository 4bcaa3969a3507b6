"""What is wrong with the settings, each with an id and what to do about it."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from telemetry.broker_address import BrokerAddress
from telemetry.protocol import MAX_BOARD_NUMBER, payload_room

TAG = "fabomatic"
MINIMUM_SECRET_LENGTH = 32
SHORTEST_USEFUL_REPLY = 150  # bytes; a checkmachine reply without its texts has 140


@register(TAG)
def settings_are_usable(**kwargs: Any) -> list[CheckMessage]:
    return [Error(problem.message, hint=problem.hint, id="fabomatic.E001") for problem in settings.SETTINGS_PROBLEMS]


@register(TAG)
def secret_key_is_strong(**kwargs: Any) -> list[CheckMessage]:
    secret = settings._wrapped.SECRET_KEY if settings.configured else ""
    if not secret:
        return [
            Error(
                "SECRET_KEY is missing.",
                hint="`make run` writes a random one to .env; or set one of 50 random characters.",
                id="fabomatic.E002",
            )
        ]
    if len(secret) < MINIMUM_SECRET_LENGTH or len(set(secret)) < 8 or secret.startswith("django-insecure-"):
        return [Error("SECRET_KEY is easy to guess.", hint="Set one of 50 random characters.", id="fabomatic.E003")]
    return []


@register(TAG)
def broker_address_is_readable(**kwargs: Any) -> list[CheckMessage]:
    try:
        address = BrokerAddress.from_url(settings.MQTT_URL)
    except ValueError as error:
        return [Error(f"MQTT_URL cannot be used: {error}", hint="mqtt://user:password@host:1883", id="fabomatic.E004")]
    if not address.user:
        return [
            Warning(
                "MQTT_URL has no user: the broker would have to let anybody in.",
                hint="mqtt://user:password@host:1883; deploy/mosquitto/mosquitto.conf refuses anonymous clients.",
                id="fabomatic.W001",
            )
        ]
    return []


@register(TAG)
def topics_are_usable(**kwargs: Any) -> list[CheckMessage]:
    wrong = []
    for name in ("MQTT_TOPIC", "MQTT_REPLY_SUBTOPIC", "MQTT_REQUEST_SUBTOPIC", "MQTT_STATS_TOPIC", "MQTT_CLIENT_ID"):
        value = getattr(settings, name)
        if not value or len(value) > 40 or any(character in value for character in "+#\0") or not value.isascii():
            wrong.append(name)
    errors: list[CheckMessage] = [
        Error(f"{name} is no usable topic.", hint="1 to 40 ASCII characters, without + and #.", id="fabomatic.E005")
        for name in wrong
    ]
    for name in ("MQTT_REPLY_SUBTOPIC", "MQTT_REQUEST_SUBTOPIC"):
        if name not in wrong and not getattr(settings, name).startswith("/"):
            errors.append(Error(f"{name} has to begin with a slash.", hint="/reply, /request", id="fabomatic.E006"))
    if settings.MQTT_REPLY_SUBTOPIC == settings.MQTT_REQUEST_SUBTOPIC:
        hint = "As the boards have them; usually /reply and /request."
        errors.append(Error("Replies and requests need different subtopics.", hint=hint, id="fabomatic.E007"))
    longest_topic = f"{settings.MQTT_TOPIC}/{MAX_BOARD_NUMBER}{settings.MQTT_REPLY_SUBTOPIC}"
    if payload_room(longest_topic, settings.BOARD_PACKET_LIMIT) < SHORTEST_USEFUL_REPLY:
        hint = "A larger BOARD_PACKET_LIMIT (the boards' buffer, 300), or shorter topics."
        errors.append(Error("Replies do not fit the boards' buffer.", hint=hint, id="fabomatic.E008"))
    return errors
