"""What the connection lets in, without a broker."""

from paho.mqtt.client import MQTTMessage

from telemetry.broker_address import BrokerAddress
from telemetry.link import MAX_TOPIC, Link
from telemetry.protocol import MAX_PAYLOAD_BYTES


def arrived(topic: bytes, payload: bytes):
    link = Link(BrokerAddress("127.0.0.1", 1883), "backend", ())
    message = MQTTMessage(topic=topic)
    message.payload = payload
    link._on_message(link._client, None, message)
    return None if link.inbox.empty() else link.inbox.get()


def test_a_message_is_queued_as_it_came():
    news = arrived(b"machine/7", b'{"action":"checkmachine"}')
    assert (news.topic, news.payload, news.is_retained) == ("machine/7", b'{"action":"checkmachine"}', False)


def test_megabytes_are_cut_to_what_shows_that_they_are_no_message():
    assert len(arrived(b"machine/7", b"[" * 1_000_000).payload) == MAX_PAYLOAD_BYTES + 1


def test_a_topic_without_end_is_cut():
    assert len(arrived(b"machine/" + b"7" * 60_000, b"").topic) == MAX_TOPIC


def test_a_topic_that_is_no_text_is_left_out():
    assert arrived(b"machine/\xff", b"") is None
