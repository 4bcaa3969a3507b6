"""A broker in Python, as a process of its own: `python -m deploy.amqtt_broker --bind HOST:PORT --passwords FILE`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin

from deploy.brokers import is_password, read_password_file


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


async def serve(bind: str, passwords: Path) -> None:
    plugin = f"{PasswordFile.__module__}.{PasswordFile.__qualname__}".replace("__main__", "deploy.amqtt_broker")
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": bind}},
            "plugins": {plugin: {"path": str(passwords)}},
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
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(options.bind, options.passwords))


if __name__ == "__main__":
    main()
