"""The broker that `make run` and `make demo` start: Mosquitto where it is installed, otherwise amqtt."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
import shutil
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

TEMPLATE = Path(__file__).parent / "mosquitto" / "mosquitto.conf"
OWN_TOPICS = "fabomatic/#"
# mosquitto_passwd's own number: these passwords are random, and each board that connects costs this many rounds.
HASH_ROUNDS = 101
_MOSQUITTO_PATH = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Listener:
    """`bind` empty: every network of this computer."""

    port: int
    bind: str = ""


def find_mosquitto() -> str:
    """Empty where there is none. Debian keeps it where the PATH of ordinary users does not look."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_MOSQUITTO_PATH) or ""


def prepare_broker(folder: Path, listener: Listener, logins: list[Login], mosquitto: str) -> list[str]:
    """Writes what the broker needs into `folder` and returns its command. The last login is the backend's."""
    folder.mkdir(parents=True, exist_ok=True)
    passwords, backend = folder / "broker.passwd", logins[-1].user
    write_password_file(passwords, logins)
    if not mosquitto:
        files = ["--passwords", str(passwords), "--backend", backend]
        return [sys.executable, "-m", "deploy.amqtt_broker", "--bind", f"{listener.bind}:{listener.port}", *files]
    (folder / "broker.acl").write_text(access_list(backend, [login.user for login in logins]), encoding="utf-8")
    conf = folder / "mosquitto.conf"
    conf.write_text(mosquitto_conf(TEMPLATE.read_text(), listener, folder, is_root=os.geteuid() == 0))
    return [mosquitto, "-c", str(conf)]


def mosquitto_conf(template: str, listener: Listener, folder: Path, *, is_root: bool) -> str:
    """The lab's configuration with paths, port and user of this run."""
    own = {
        "listener": f"{listener.port} {listener.bind}".strip(),
        "password_file": str(folder / "broker.passwd"),
        "acl_file": f"{folder}/broker.acl",
        "persistence_location": f"{folder}/",
    }
    lines, missing = [], set(own)
    for line in template.splitlines():
        name = line.split(" ", 1)[0]
        missing.discard(name)
        lines.append(f"{name} {own[name]}" if name in own else line)
    if missing:
        raise ValueError(f"deploy/mosquitto/mosquitto.conf lacks {', '.join(sorted(missing))}")
    if is_root:
        # It would become the user `mosquitto`, who may not read here.
        lines.append("user root")
    return "\n".join(lines) + "\n"


def access_list(backend: str, users: list[str]) -> str:
    """As deploy/mosquitto/fabomatic.acl, with this run's names."""
    rules = [f"user {backend}\ntopic readwrite #\n"]
    rules += [f"user {user}\ntopic readwrite #\ntopic deny {OWN_TOPICS}\n" for user in users if user != backend]
    return "\n".join(rules)


def write_password_file(path: Path, logins: list[Login]) -> None:
    """In Mosquitto's own format; the last of two logins with one name counts."""
    by_user = {login.user: login for login in logins}
    text = "".join(f"{user}:{hash_password(login.password)}\n" for user, login in by_user.items())
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def read_password_file(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def hash_password(password: str, salt: bytes | None = None, rounds: int = HASH_ROUNDS) -> str:
    salt = salt or secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def is_password(password: str, hashed: str) -> bool:
    _, _, rounds, salt, _ = hashed.split("$")
    return hmac.compare_digest(hash_password(password, base64.b64decode(salt), int(rounds)), hashed)


def answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def is_free(port: int, bind: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    if answers(bind, port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def first_free(port: int) -> int:
    return next(candidate for candidate in range(port, 65536) if is_free(candidate))


def is_this_computer(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def own_address() -> str:
    """The address others in the network reach us at; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
