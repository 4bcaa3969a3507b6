"""The lab of the tests: ada is authorized, bruno's right expired yesterday, carla is staff, dora is administrator.

Every run has a database file of its own, so that two runs at the same time do not meet.
"""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

os.environ.setdefault("SECRET_KEY", "only-for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz")

hypothesis_settings.register_profile(
    "fabomatic",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("fabomatic")

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
YESTERDAY = date(2026, 3, 9)

UIDS = {
    "ada": "0a1b2c3d",
    "bruno": "b1b1b1b1",
    "carla": "ca51a000",
    "dora": "d0a0d0a0",
    "enzo": "e1120000",
    "flora": "f10a0001",
    "gino": "91000001",
    "hugo": "40900002",
}
UNKNOWN_UID = "deadbeef"


@pytest.fixture(scope="session", autouse=True)
def lab_settings():
    """What a test must not depend on: the developer's .env, a build of static files, slow password hashes."""
    from django.conf import settings
    from django.test import override_settings

    files = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    with override_settings(
        SECRET_KEY=os.environ["SECRET_KEY"],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES=files,
        TIME_ZONE="Europe/Rome",
        LANGUAGE_CODE="en",
        BOARD_PACKET_LIMIT=300,
        MQTT_URL="mqtt://tests:tests@127.0.0.1:9",  # nobody listens there; a lab's broker must not hear of tests
    ):
        yield


@pytest.fixture(autouse=True)
def english():
    """A page asked for in Italian leaves its language to the thread."""
    from django.utils import translation

    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    """Backups, the ledger of who was erased, locks: a developer's own are not for tests."""
    for name in ("BACKUP_FOLDER", "LOCK_FOLDER", "CRON_FOLDER", "IMPORT_FOLDER"):
        setattr(settings, name, tmp_path / name.lower())


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts():
    """Nothing here outlives the tests, and the disk is for the workers and boards that are tested beside these."""
    from django.db.backends.signals import connection_created

    def write_when_it_suits(connection, **kwargs):
        if connection.vendor == "sqlite":
            connection.cursor().execute("PRAGMA synchronous=OFF")

    connection_created.connect(write_when_it_suits, weak=False, dispatch_uid="no_power_cuts")
    yield
    connection_created.disconnect(dispatch_uid="no_power_cuts")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


class Stopwatch:
    """A monotonic clock that stands until a test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def now() -> datetime:
    """A Tuesday noon; in the lab, in Rome, it is one o'clock."""
    return NOW


# ---- people ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def roles(db) -> SimpleNamespace:
    """The three of a fresh database, also after a transactional test has emptied it."""
    from django.contrib.auth.models import Permission

    from members.models import Role

    powers = {"authorize_all": True, "can_maintain": True, "is_reserved": True}
    administrators, _ = Role.objects.get_or_create(name="Administrators", defaults={**powers, "is_backend_admin": True})
    staff, _ = Role.objects.get_or_create(name="Staff", defaults=powers)
    members, _ = Role.objects.get_or_create(name="Members", defaults={"is_reserved": True})
    if not administrators.permissions.exists():
        ours = ("members", "machines", "telemetry")
        administrators.permissions.set(Permission.objects.filter(content_type__app_label__in=ours))
    return SimpleNamespace(administrators=administrators, staff=staff, members=members)


@pytest.fixture
def make_member(roles) -> Callable[..., Any]:
    """`make_member("Ada", uid="0a1b2c3d", role=..., is_lost=False, **fields)`; the card's number is on it as `uid`."""
    from members.models import Card, Member

    def make(first_name: str, uid: str | None = None, *, role: Any = None, is_lost: bool = False, **fields: Any) -> Any:
        password = fields.pop("password", None)
        member = Member.objects.create_user(
            fields.pop("email", None), password, first_name=first_name, role=role or roles.members, **fields
        )
        member.uid = uid
        if uid is not None:
            Card.objects.create(uid=uid, member=member, is_lost=is_lost)
        return member

    return make


@pytest.fixture
def ada(make_member, authorize, laser):
    """An ordinary member with a right to the laser."""
    member = make_member("Ada", UIDS["ada"], last_name="Lovelace", email="ada@example.org")
    authorize(member, laser)
    return member


@pytest.fixture
def bruno(make_member, authorize, laser):
    """His right to the laser expired yesterday."""
    member = make_member("Bruno", UIDS["bruno"], last_name="Munari")
    authorize(member, laser, valid_until=YESTERDAY)
    return member


@pytest.fixture
def carla(make_member, roles):
    """Staff: every machine, and its maintenance; no administration."""
    return make_member("Carla", UIDS["carla"], role=roles.staff, last_name="Scarpa")


@pytest.fixture
def dora(make_member, roles):
    """Administrator, and superuser."""
    return make_member(
        "Dora",
        UIDS["dora"],
        role=roles.administrators,
        last_name="Maar",
        email="dora@example.org",
        password="dora-knows-it",
        is_superuser=True,
    )


@pytest.fixture
def enzo(make_member, authorize, laser):
    """Authorized, and disabled."""
    member = make_member("Enzo", UIDS["enzo"], is_active=False)
    authorize(member, laser)
    return member


@pytest.fixture
def flora(make_member, authorize, laser):
    """Authorized; her card is lost."""
    member = make_member("Flora", UIDS["flora"], is_lost=True)
    authorize(member, laser)
    return member


@pytest.fixture
def gino(make_member, authorize, laser):
    """Authorized; his membership ended yesterday."""
    member = make_member("Gino", UIDS["gino"], valid_until=YESTERDAY)
    authorize(member, laser)
    return member


@pytest.fixture
def hugo(make_member):
    """A member without any right."""
    return make_member("Hugo", UIDS["hugo"])


@pytest.fixture
def everybody(ada, bruno, carla, dora, enzo, flora, gino, hugo) -> SimpleNamespace:
    return SimpleNamespace(ada=ada, bruno=bruno, carla=carla, dora=dora, enzo=enzo, flora=flora, gino=gino, hugo=hugo)


# ---- machines --------------------------------------------------------------------------------------------------------


@pytest.fixture
def laser_type(db):
    from machines.models import MachineType

    return MachineType.objects.create(name="Laser cutter", auto_logoff_minutes=60, grace_minutes=2)


@pytest.fixture
def printer_type(db):
    from machines.models import MachineType

    return MachineType.objects.create(name="3D printer", needs_authorization=False)


@pytest.fixture
def laser(laser_type):
    """Machine 7: needs an authorization."""
    from machines.models import Machine

    return Machine.objects.create(id=7, name="Laser", type=laser_type, location="Room 2")


@pytest.fixture
def printer(printer_type):
    """Machine 12: open to every active member."""
    from machines.models import Machine

    return Machine.objects.create(id=12, name="Printer", type=printer_type)


@pytest.fixture
def authorize() -> Callable[..., Any]:
    from machines.models import Authorization

    def give(member: Any, machine: Any, **fields: Any) -> Any:
        return Authorization.objects.create(member=member, machine=machine, **fields)

    return give


@pytest.fixture
def make_use(db) -> Callable[..., Any]:
    """A closed use of `seconds`, `hours_ago` before NOW, as staff would enter it."""
    from machines.models import Use

    def make(machine: Any, seconds: int = 600, *, hours_ago: float = 2, **fields: Any) -> Any:
        started_at = NOW - timedelta(hours=hours_ago)
        ended_at = started_at + timedelta(seconds=seconds)
        return Use.objects.create(machine=machine, **{"started_at": started_at, "ended_at": ended_at, **fields})

    return make


@pytest.fixture
def make_plan(db) -> Callable[..., Any]:
    """Every 10 hours of use, counted from before all uses, or from NOW by days, unless told otherwise."""
    from machines.models import MaintenancePlan

    def make(machine: Any, description: str = "Clean the lens", **fields: Any) -> Any:
        if "days_between" not in fields:
            fields.setdefault("hours_between", 10)
        by_days = fields.get("days_between") is not None
        fields.setdefault("last_work_at", NOW if by_days else NOW - timedelta(days=1000))
        return MaintenancePlan.objects.create(machine=machine, description=description, **fields)

    return make


@pytest.fixture
def odometer() -> Callable[[Any], int]:
    """What the database says now, whatever the object in hand holds."""
    from machines.models import Machine

    def read(machine: Any) -> int:
        return Machine.objects.values_list("seconds_used", flat=True).get(pk=getattr(machine, "pk", machine))

    return read


@pytest.fixture
def true_odometer() -> Callable[[Any], int]:
    """What the odometer has to be: the hours it came with and those of its closed uses."""
    from django.db.models import Sum

    from machines.models import Machine

    def add_up(machine: Any) -> int:
        current = Machine.objects.get(pk=getattr(machine, "pk", machine))
        return current.initial_seconds + (current.uses.aggregate(total=Sum("duration"))["total"] or 0)

    return add_up
