"""A broker in Python, as a process of its own: `python -m deploy.amqtt_broker --bind HOST:PORT --passwords FILE`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin

from deploy.brokers import OWN_TOPICS, is_password, read_password_file


class PasswordFile(BaseAuthPlugin):
    """Mosquitto's password file; amqtt's own plugin reads no PBKDF2 and passes over clients without a name."""

    @dataclass
    class Config:
        path: str = ""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._hashes = read_password_file(Path(self.config.path))

    async def authenticate(self, *, session: Any) -> bool:
        hashed = self._hashes.get(session.username or "")
        return hashed is not None and is_password(session.password or "", hashed)


class BackendsTopics(BaseTopicPlugin):
    """Only the backend speaks and listens where it speaks of itself."""

    @dataclass
    class Config:
        backend: str = ""

    async def topic_filtering(self, *, session: Any = None, topic: str | None = None, action: Any = None) -> bool:
        is_own = (topic or "").startswith(OWN_TOPICS.removesuffix("#"))
        return not is_own or session.username == self.context.config.backend


class Subscriptions(dict[str, Any]):
    """May change while somebody goes through it: amqtt waits for the network in between."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def items(self) -> Any:
        return list(super().items())


class CarefulBroker(Broker):
    """amqtt 0.12.1 with what boards need: nothing they did not ask for, and no connection lost to a busy moment."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._subscriptions = Subscriptions()

    async def _publish_retained_messages_for_subscription(self, subscription: Any, session: Any) -> None:
        if any(subscriber is session for subscriber, _qos in self._subscriptions.get(subscription[0], [])):
            await super()._publish_retained_messages_for_subscription(subscription, session)


def _path(plugin: type) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}".replace("__main__", "deploy.amqtt_broker")


async def serve(bind: str, passwords: Path, backend: str) -> None:
    broker = CarefulBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": bind}},
            "plugins": {_path(PasswordFile): {"path": str(passwords)}, _path(BackendsTopics): {"backend": backend}},
        }
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await broker.start()
    print(f"amqtt listens on {bind}", flush=True)
    await ended.wait()
    await broker.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bind", required=True)
    parser.add_argument("--passwords", type=Path, required=True)
    parser.add_argument("--backend", required=True, help="the backend's user")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Who connects and says nothing, as we do to see whether a broker is there, is no error.
    logging.getLogger("amqtt.broker").addFilter(lambda record: "No data" not in record.getMessage())
    asyncio.run(serve(options.bind, options.passwords, options.backend))


if __name__ == "__main__":
    main()
