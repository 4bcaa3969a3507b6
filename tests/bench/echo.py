"""The floor: paho and nothing behind it, a fixed answer to every query. `python -m tests.bench.echo HOST PORT`."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

import paho.mqtt.client as mqtt

ANSWER = json.dumps(
    {"request_ok": True, "is_valid": True, "name": "Ada Lovelace", "level": 1, "missing_auth": False},
    separators=(",", ":"),
)


def without_delay(client: mqtt.Client, userdata: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def listen(client: mqtt.Client, *_details: Any) -> None:
    client.subscribe("machine/+")


def answer(client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
    # Boards expect no answer to a sign of life, and would take one for the answer to what they ask next.
    if b'"alive"' not in message.payload:
        client.publish(message.topic + "/reply", ANSWER)


def main(host: str, port: int) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "echo")
    client.on_socket_open = without_delay
    client.on_connect = listen
    client.on_message = answer
    client.connect(host, port)
    client.loop_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
