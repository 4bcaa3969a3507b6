"""A Mosquitto of our own on a free port of the loopback."""

from __future__ import annotations

import os
import shutil
import socket
import time
from pathlib import Path

from tests.bench.child import Child

HOST = "127.0.0.1"
_CONFIGURATION = """\
listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 0
persistence false
log_type error
log_type warning
"""


class Broker(Child):
    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        text = _CONFIGURATION.format(port=self.port, host=HOST)
        if os.geteuid() == 0:
            text += "user root\n"
        configuration = directory / "mosquitto.conf"
        configuration.write_text(text)
        super().__init__([_mosquitto(), "-c", str(configuration)], directory / "mosquitto.log")

    def __enter__(self) -> Broker:
        super().__enter__()
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def _wait(self, seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.is_running:
            try:
                socket.create_connection(self.address, timeout=0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise SystemExit(f"Mosquitto does not answer.\n{self.last_words()}")


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit("The bench needs Mosquitto: apt install mosquitto.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
