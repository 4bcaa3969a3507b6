"""`make run` and `make demo`: a lab with all it needs, in one terminal, until Ctrl-C."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy import brokers
from deploy.brokers import Listener, Login
from deploy.children import ChildDied, StopRequested, Supervisor
from deploy.environment import (
    BASE_DIR,
    DEFAULT_BOARD_USER,
    DEFAULT_MQTT_URL,
    demo_environment,
    lab_environment,
    write_dotenv,
)
from fabomatic.sample_data import MACHINES
from telemetry.broker_address import BrokerAddress

WEB_PORT = 8000
DEMO_WEB_PORT = 8001
DEMO_BROKER_PORT = 18830
# A Pi Zero takes its time.
START_SECONDS = 180


class Refusal(Exception):
    """Why nothing was started, in a sentence."""


@dataclass
class Plan:
    """What to start, with which settings, and where its files are."""

    name: str
    folder: Path
    web_port: int
    environment: dict[str, str]
    mosquitto: str
    is_demo: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def cards(self) -> Path:
        return self.folder / "cards.txt"

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def broker(self) -> BrokerAddress:
        try:
            return BrokerAddress.from_url(self.environment.get("MQTT_URL", DEFAULT_MQTT_URL))
        except ValueError as error:
            raise Refusal(f"MQTT_URL cannot be used: {error}.") from None

    def board_login(self) -> Login:
        return Login(
            self.environment.get("BOARD_MQTT_USER") or DEFAULT_BOARD_USER,
            self.environment.get("BOARD_MQTT_PASSWORD", ""),
        )


def plan_lab(port: int | None, mosquitto: str) -> Plan:
    dotenv = BASE_DIR / ".env"
    if write_dotenv(dotenv):
        print("Wrote .env with new random secrets.")
    environment = lab_environment(os.environ, dotenv)
    return Plan("run", BASE_DIR / "var" / "run", port or WEB_PORT, environment, mosquitto)


def plan_demo(port: int | None, mosquitto: str) -> Plan:
    folder = BASE_DIR / "var" / "demo"
    web_port = port or brokers.first_free(DEMO_WEB_PORT)
    environment = demo_environment(os.environ, folder, web_port, brokers.first_free(DEMO_BROKER_PORT))
    return Plan("demo", folder, web_port, environment, mosquitto, is_demo=True)


@contextmanager
def only_one(name: str, lock: Path) -> Iterator[None]:
    """Linux forgets the lock when we die, however we die."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Refusal(f"`make {name}` is already running here (process {file.read().strip()}).") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def refuse_busy_port(name: str, port: int) -> None:
    if not brokers.is_free(port):
        raise Refusal(
            f"Port {port} on 127.0.0.1 is taken by another program. "
            f"Stop it, or choose another: make {name} PORT={port + 10}"
        )


def lacks_broker(plan: Plan) -> bool:
    """Whether we have to start one; refuses where we cannot."""
    address = plan.broker()
    if brokers.answers(address.host, address.port):
        return False
    if not brokers.is_this_computer(address.host):
        raise Refusal(f"No broker answers at {address} (MQTT_URL), and it is not this computer's to start.")
    if address.is_tls:
        raise Refusal(f"No broker answers at {address}. MQTT_URL asks for TLS: start one yourself, or use mqtt://.")
    if not (address.user and address.password):
        raise Refusal(
            "MQTT_URL has no user and password, and the broker lets nobody in without: "
            f"write MQTT_URL=mqtt://backend:<password>@{address} to .env"
        )
    return True


def start_broker(supervisor: Supervisor, plan: Plan) -> None:
    address = plan.broker()
    listener = Listener(address.port, plan.environment.get("BROKER_BIND", ""))
    logins = [login for login in (plan.board_login(), Login(address.user, address.password)) if login.password]
    command = brokers.prepare_broker(plan.folder, listener, logins, plan.mosquitto)
    supervisor.start("broker", command, plan.environment, is_quiet=plan.is_demo, leaves_last=True)
    if not supervisor.wait_until(lambda: brokers.answers(address.host, address.port), START_SECONDS):
        raise Refusal(f"The broker does not answer at {address}.")


def boards_note(plan: Plan, *, is_our_broker: bool) -> str:
    address, login = plan.broker(), plan.board_login()
    host = plan.environment.get("BROKER_BIND") or brokers.own_address()
    if not is_our_broker:
        return (
            f"Boards   the broker that already answered at {address}, with its own users and passwords;\n"
            "           deploy/mosquitto/mosquitto.conf is a configuration that fits"
        )
    if not login.password:
        return "Boards cannot log in yet: write BOARD_MQTT_USER and BOARD_MQTT_PASSWORD to .env, and start again."
    where = "invented for this demo" if plan.is_demo else "BOARD_MQTT_PASSWORD in .env"
    return f"Boards   broker {host}, port {address.port}, user {login.user}, password: {where}"


def start_servers(supervisor: Supervisor, plan: Plan) -> None:
    manage = [sys.executable, "manage.py"]
    supervisor.start("worker", [*manage, "mqtt_worker"], plan.environment)
    supervisor.start("web", web_server(plan.web_port), plan.environment)
    if not supervisor.wait_until(lambda: brokers.answers("127.0.0.1", plan.web_port), START_SECONDS):
        raise Refusal(f"The web server does not answer on port {plan.web_port}.")
    if plan.is_demo:
        start_boards(supervisor, plan)


def web_server(port: int) -> list[str]:
    """Without its log of addresses: links that let somebody in stand there, and cards that were searched for."""
    options = ["-b", "127.0.0.1", "-p", str(port), "--verbosity", "0"]
    return [sys.executable, "-m", "daphne", *options, "fabomatic.asgi:application"]


def start_boards(supervisor: Supervisor, plan: Plan) -> None:
    """At life's own speed, so that hours stay true, with people in a hurry, so that something happens."""
    login = plan.board_login()
    # Not as an argument: every user of the computer may read those.
    environment = {**plan.environment, "MQTT_URL": f"mqtt://{login.user}:{login.password}@{plan.broker()}"}
    machines = ",".join(str(machine.id) for machine in MACHINES if machine.has_board)
    habits = ["--between", "0.5", "--use", "1.5"]
    command = ["simulate_boards", "--machines", machines, "--cards", str(plan.cards), *habits]
    supervisor.start("boards", [sys.executable, "manage.py", *command], environment)


def bring_up(supervisor: Supervisor, plan: Plan) -> None:
    if plan.is_demo:
        # The history it shows ends now, so each demo begins anew.
        shutil.rmtree(plan.folder, ignore_errors=True)
    plan.folder.mkdir(parents=True, exist_ok=True)
    is_our_broker = lacks_broker(plan)
    print("Preparing the database and the pages ...", flush=True)
    sample = ["--sample-cards", str(plan.cards)] if plan.is_demo else []
    if supervisor.run("prepare", [sys.executable, "-m", "deploy.prepare", *sample], plan.environment) != 0:
        raise Refusal("Nothing was started; the reason is above.")
    if is_our_broker:
        start_broker(supervisor, plan)
    start_servers(supervisor, plan)
    plan.notes.append(boards_note(plan, is_our_broker=is_our_broker))


def overview(plan: Plan) -> str:
    what = "an invented lab, new at each start" if plan.is_demo else "your lab"
    login = "e-mail and password: above" if plan.is_demo else "the first start showed e-mail and password, once"
    lines = [
        "",
        f"Fabomatic is running: {what}. Ctrl-C stops it.",
        "",
        f"  Page     {plan.page}/",
        f"  Staff    {plan.page}/admin/ ({login})",
        *(f"  {note}" for note in plan.notes),
        "",
    ]
    return "\n".join(lines)


def run(plan: Plan) -> int:
    """The exit code: 0 if somebody stopped it, 1 if something of it died."""
    supervisor = Supervisor(BASE_DIR)
    supervisor.obey_signals()
    try:
        bring_up(supervisor, plan)
        print(overview(plan), flush=True)
        supervisor.watch()
    except StopRequested:
        with suppress(OSError):
            print("\nStopping ...", flush=True)
        return 0
    except ChildDied as death:
        print(f"\n{death}", file=sys.stderr, flush=True)
        return 1
    finally:
        supervisor.stop()
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.run", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="an invented lab, apart from the real one")
    parser.add_argument("--port", type=int, help="of the web server")
    parser.add_argument("--mosquitto", default=brokers.find_mosquitto(), help="the broker's program; empty: amqtt")
    options = parser.parse_args(arguments)
    name = "demo" if options.demo else "run"
    try:
        with only_one(name, BASE_DIR / "var" / f"{name}.lock"):
            if not options.demo or options.port:
                refuse_busy_port(name, options.port or (DEMO_WEB_PORT if options.demo else WEB_PORT))
            plan = (plan_demo if options.demo else plan_lab)(options.port, options.mosquitto)
            return run(plan)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
