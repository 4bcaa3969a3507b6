"""Where the broker is and who we are there, out of an MQTT_URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    host: str
    port: int
    is_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> BrokerAddress:
        """Raises ValueError with a sentence; the sentence never holds the password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the port is no number from 1 to 65535") from None
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError("it has to begin with mqtt:// or mqtts://")
        if not parts.hostname:
            raise ValueError("it names no host")
        if port == 0:
            raise ValueError("the port is no number from 1 to 65535")
        return cls(
            host=parts.hostname,
            port=port or DEFAULT_PORTS[parts.scheme],
            is_tls=parts.scheme == "mqtts",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
