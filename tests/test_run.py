import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from deploy import brokers, run
from deploy.brokers import Listener, Login
from deploy.children import ChildDied, StopRequested, Supervisor
from deploy.environment import BASE_DIR, demo_environment, lab_environment, read_dotenv, write_dotenv

LAB_URL = "mqtt://backend:the-labs-own@10.0.0.1:1883"
SETTINGS = set(re.findall(r'_env\.\w+\(\s*"([A-Z_]+)"', (BASE_DIR / "fabomatic" / "settings.py").read_text()))


def python(code):
    return [sys.executable, "-c", textwrap.dedent(code)]


FOREVER = python("import time; print('here', flush=True); time.sleep(600)")
STUBBORN = python("""
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('here', flush=True)
    time.sleep(600)
""")


@pytest.fixture
def shown():
    return []


@pytest.fixture
def supervisor(tmp_path, shown):
    supervisor = Supervisor(tmp_path, shown.append)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def own_signals():
    """Gives pytest its handlers back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def busy_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def plan(tmp_path):
    return run.Plan("run", tmp_path, 8000, {**os.environ, "MQTT_URL": LAB_URL}, mosquitto="")


# ---- settings --------------------------------------------------------------------------------------------------------


def test_dotenv_is_for_its_owner_only_and_holds_random_secrets(tmp_path):
    assert write_dotenv(tmp_path / "one")
    assert write_dotenv(tmp_path / "two")

    one, two = read_dotenv(tmp_path / "one"), read_dotenv(tmp_path / "two")

    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600
    assert len(one["SECRET_KEY"]) >= 50
    assert all(one[name] != two[name] for name in ("SECRET_KEY", "MQTT_URL", "BOARD_MQTT_PASSWORD"))


def test_dotenv_that_is_there_is_never_overwritten(tmp_path):
    (tmp_path / ".env").write_text("SECRET_KEY=mine\n")

    assert not write_dotenv(tmp_path / ".env")

    assert (tmp_path / ".env").read_text() == "SECRET_KEY=mine\n"


def test_reading_dotenv_leaves_our_own_environment_alone(tmp_path):
    (tmp_path / ".env").write_text("ONLY_IN_THIS_FILE=1\n")

    assert read_dotenv(tmp_path / ".env") == {"ONLY_IN_THIS_FILE": "1"}
    assert "ONLY_IN_THIS_FILE" not in os.environ


def test_what_is_set_outside_goes_before_the_file(tmp_path):
    (tmp_path / ".env").write_text("MQTT_URL=mqtt://from-the-file\nTIME_ZONE=UTC\n")

    environment = lab_environment({"MQTT_URL": LAB_URL}, tmp_path / ".env")

    assert environment["MQTT_URL"] == LAB_URL
    assert environment["TIME_ZONE"] == "UTC"


def test_demo_knows_nothing_of_the_lab():
    outside = dict.fromkeys(SETTINGS, "of-the-lab") | {"MQTT_URL": LAB_URL, "PATH": "/bin"}

    environment = demo_environment(outside, BASE_DIR / "var" / "demo", 8001, 18830)

    chosen = {"LANGUAGE_CODE", "TIME_ZONE", "DASHBOARD_NAMES"}
    assert not {name for name in SETTINGS - chosen if "of-the-lab" in environment[name]}
    assert LAB_URL not in environment.values()
    assert environment["DATABASE_URL"] == "sqlite:///var/demo/db.sqlite3"
    assert environment["PATH"] == "/bin"


def test_demo_sets_every_setting_so_that_none_comes_from_dotenv():
    assert set(demo_environment({}, BASE_DIR / "var" / "demo", 8001, 18830)) >= SETTINGS


def test_example_names_every_setting():
    assert set(read_dotenv(BASE_DIR / ".env.example")) >= SETTINGS


# ---- broker ----------------------------------------------------------------------------------------------------------


def test_broker_gets_the_labs_configuration_with_its_own_paths_and_port(tmp_path):
    template = brokers.TEMPLATE.read_text()

    conf = brokers.mosquitto_conf(template, Listener(18831, "127.0.0.1"), tmp_path, is_root=False)

    changed = set(conf.splitlines()) - set(template.splitlines())
    assert changed == {
        "listener 18831 127.0.0.1",
        f"password_file {tmp_path}/broker.passwd",
        f"acl_file {tmp_path}/broker.acl",
        f"persistence_location {tmp_path}/",
    }
    assert "allow_anonymous false" in conf.splitlines()
    assert "set_tcp_nodelay true" in conf.splitlines()


def test_access_list_of_a_lab_is_that_of_make_run():
    rules = [line for line in (brokers.TEMPLATE.parent / "fabomatic.acl").read_text().splitlines() if line[:1] != "#"]
    assert rules == brokers.access_list("backend", ["boards", "backend"]).splitlines()


def test_boards_that_log_in_as_the_backend_may_do_what_it_may():
    assert "deny" not in brokers.access_list("backend", ["backend"])


def test_broker_of_root_stays_root_to_read_its_files(tmp_path):
    conf = brokers.mosquitto_conf(brokers.TEMPLATE.read_text(), Listener(18831), tmp_path, is_root=True)

    assert conf.splitlines()[-1] == "user root"


def test_configuration_without_passwords_is_refused(tmp_path):
    with pytest.raises(ValueError, match="password_file"):
        brokers.mosquitto_conf("listener 1883\npersistence_location /x/\n", Listener(1), tmp_path, is_root=False)


def test_password_file_is_mosquittos_and_holds_no_password(tmp_path):
    brokers.write_password_file(tmp_path / "passwd", [Login("boards", "s3cret"), Login("backend", "other")])

    hashes = brokers.read_password_file(tmp_path / "passwd")

    assert set(hashes) == {"boards", "backend"}
    assert brokers.is_password("s3cret", hashes["boards"])
    assert not brokers.is_password("other", hashes["boards"])
    assert "s3cret" not in (tmp_path / "passwd").read_text()
    assert (tmp_path / "passwd").stat().st_mode & 0o777 == 0o600


def test_hash_is_the_one_mosquitto_passwd_writes():
    by_mosquitto_passwd = (
        "$7$101$zKoBHdawFiYw2JLh$"
        "mjUM3UH6yWHqbC5QO/UkaBJQPPo76XogAILpNIqQC7G7EtVCicmg+9d/Ne/EaEFu31cPOOxmDjcbl00OHD5orA=="
    )

    assert brokers.is_password("secret", by_mosquitto_passwd)
    assert not brokers.is_password("Secret", by_mosquitto_passwd)


@pytest.mark.parametrize("mosquitto", ["mosquitto", ""], ids=["mosquitto", "amqtt"])
def test_broker_lets_in_who_has_a_password_and_nobody_else(tmp_path, mosquitto):
    if mosquitto and not (mosquitto := brokers.find_mosquitto()):
        pytest.skip("Mosquitto is not installed")
    port = brokers.first_free(18840)
    command = brokers.prepare_broker(tmp_path, Listener(port, "127.0.0.1"), [Login("boards", "s3cret")], mosquitto)
    supervisor = Supervisor(BASE_DIR)
    supervisor.start("broker", command, os.environ)
    try:
        assert supervisor.wait_until(lambda: brokers.answers("127.0.0.1", port), 20)
        assert connack(port, "boards", "s3cret") == 0
        assert connack(port, "boards", "wrong") in (4, 5)
        assert connack(port) in (4, 5)
    finally:
        supervisor.stop()


def connack(port, user=None, password=None):
    """The broker's return code to a CONNECT."""

    def text(value):
        return len(value).to_bytes(2, "big") + value.encode()

    flags = 0xC2 if user else 0x02
    body = text("MQTT") + bytes([4, flags, 0, 10]) + text("probe")
    body += text(user) + text(password) if user else b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(bytes([0x10, len(body)]) + body)
        return connection.recv(4)[3]


def test_broker_that_answers_is_used_as_it_is(plan, busy_port):
    plan.environment["MQTT_URL"] = f"mqtt://backend:x@127.0.0.1:{busy_port}"

    assert not run.lacks_broker(plan)
    assert "already answered" in run.boards_note(plan, is_our_broker=False)


def test_broker_on_this_computer_that_is_silent_is_ours_to_start(plan):
    plan.environment["MQTT_URL"] = f"mqtt://backend:x@localhost:{brokers.first_free(18850)}"

    assert run.lacks_broker(plan)


def test_boards_without_a_password_are_told_where_to_write_it(plan):
    plan.environment.pop("BOARD_MQTT_PASSWORD", None)

    assert "BOARD_MQTT_PASSWORD to .env" in run.boards_note(plan, is_our_broker=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mqtt://backend:x@broker.invalid:1883", "not this computer's"),
        ("mqtts://backend:x@127.0.0.1:{port}", "TLS"),
        ("mqtt://127.0.0.1:{port}", "no user and password"),
        ("http://127.0.0.1", "cannot be used"),
    ],
)
def test_broker_we_may_not_start_is_a_sentence(plan, url, reason):
    plan.environment["MQTT_URL"] = url.format(port=brokers.first_free(18850))

    with pytest.raises(run.Refusal, match=reason):
        run.lacks_broker(plan)


# ---- ports and locks -------------------------------------------------------------------------------------------------


def test_busy_port_is_a_sentence_that_says_what_to_do(busy_port):
    with pytest.raises(run.Refusal, match=f"Port {busy_port} .* make run PORT="):
        run.refuse_busy_port("run", busy_port)


def test_next_free_port_passes_over_a_busy_one(busy_port):
    assert brokers.first_free(busy_port) > busy_port


def test_second_run_is_told_about_the_first(tmp_path):
    with (
        run.only_one("run", tmp_path / "lock"),
        pytest.raises(run.Refusal, match=f"process {os.getpid()}"),
        run.only_one("run", tmp_path / "lock"),
    ):
        pytest.fail("two at once")


# ---- children --------------------------------------------------------------------------------------------------------


def test_output_is_shown_with_the_childs_name(supervisor, shown):
    assert supervisor.run("prepare", python("print('one'); print('two', end='')"), os.environ) == 0

    assert shown == ["prepare| one", "prepare| two"]


def test_links_that_let_somebody_in_stand_in_no_log(supervisor, shown, tmp_path):
    port = brokers.first_free(18860)
    dead_end = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "MQTT_URL": "mqtt://tests:tests@127.0.0.1:9"}
    supervisor.start("web", run.web_server(port), {**os.environ, **dead_end, "PYTHONPATH": str(BASE_DIR)})
    assert supervisor.wait_until(lambda: brokers.answers("127.0.0.1", port), 20)
    with socket.create_connection(("127.0.0.1", port), 20) as line:
        line.sendall(b"GET /healthz?link=s3cret-link HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 503")
    supervisor.stop()
    assert "s3cret-link" not in "".join(shown)


def test_dead_child_is_reported_by_name_with_its_last_lines(supervisor):
    supervisor.start("worker", python("[print('line', n) for n in range(40)]; raise SystemExit(3)"), os.environ)

    with pytest.raises(ChildDied) as death:
        supervisor.watch()

    report = str(death.value).splitlines()
    assert report[0] == "worker ended with exit code 3. The last it said:"
    assert [line.strip() for line in report[1:]] == [f"line {number}" for number in range(25, 40)]


def test_killed_child_is_reported_with_its_signal(supervisor):
    child = supervisor.start("web", FOREVER, os.environ)
    child.process.kill()

    with pytest.raises(ChildDied, match="web was killed by SIGKILL"):
        supervisor.watch()


def test_quiet_child_is_only_heard_when_it_dies(supervisor, shown):
    supervisor.start("boards", python("print('a lot'); raise SystemExit(1)"), os.environ, is_quiet=True)

    with pytest.raises(ChildDied, match="a lot"):
        supervisor.watch()
    assert shown == []


def test_run_ends_with_1_and_stops_the_others_when_one_dies(plan, monkeypatch, capsys):
    started = []

    def bring_up(supervisor, plan):
        started.append(supervisor.start("broker", FOREVER, plan.environment))
        started.append(supervisor.start("worker", python("print('no database'); exit(2)"), plan.environment))

    monkeypatch.setattr(run, "bring_up", bring_up)
    monkeypatch.setattr(Supervisor, "obey_signals", lambda self: None)

    assert run.run(plan) == 1

    assert "worker ended with exit code 2" in (report := capsys.readouterr().err)
    assert "no database" in report
    assert not any(child.is_alive for child in started)


def test_stubborn_child_is_killed(supervisor, shown, monkeypatch):
    monkeypatch.setattr("deploy.children.STOP_SECONDS", 0.5)
    child = supervisor.start("worker", STUBBORN, os.environ)
    assert supervisor.wait_until(lambda: bool(shown), 10)

    supervisor.stop()

    assert child.process.returncode == -signal.SIGKILL


def test_broker_is_stopped_after_those_who_say_goodbye_to_it(supervisor, shown):
    code = """
        import signal, sys, time
        def leave(*_):
            print('{name} leaves', flush=True)
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print('{name} here', flush=True)
        time.sleep(600)
    """
    supervisor.start("broker", python(code.format(name="broker")), os.environ, leaves_last=True)
    supervisor.start("worker", python(code.format(name="worker")), os.environ)
    assert supervisor.wait_until(lambda: len(shown) == 2, 10)

    supervisor.stop()

    assert [line.split("| ")[1] for line in shown[2:]] == ["worker leaves", "broker leaves"]


SUPERVISED = """
    import os, sys
    from pathlib import Path
    from deploy import run
    def bring_up(supervisor, plan):
        for name in ("broker", "worker"):
            child = supervisor.start(name, [sys.executable, "-c", "import time; time.sleep(600)"], os.environ)
            print("child", child.process.pid, flush=True)
    run.bring_up = bring_up
    sys.exit(run.run(run.Plan("run", Path("."), 8000, {}, "")))
"""


@pytest.fixture
def supervised():
    """A run in a process of its own, with the ids of its two children."""
    process = subprocess.Popen(python(SUPERVISED), cwd=BASE_DIR, stdout=subprocess.PIPE, text=True)
    children = []
    for line in process.stdout:
        children += [int(line.split()[1])] if line.startswith("child") else []
        if "Ctrl-C stops it" in line:
            break
    yield process, children
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_its_like_end_all_with_0(supervised, number):
    process, children = supervised

    process.send_signal(number)

    assert process.wait(10) == 0
    assert len(children) == 2
    assert not any(is_running(child) for child in children)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children")
def test_children_die_with_a_run_that_is_killed(supervised):
    process, children = supervised

    process.kill()
    process.wait()

    deadline = time.monotonic() + 5
    while any(is_running(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(child) for child in children)


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.usefixtures("own_signals")
def test_stop_is_noticed_while_a_step_runs(supervisor):
    supervisor.obey_signals()
    os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StopRequested):
        supervisor.run("prepare", FOREVER, os.environ)
