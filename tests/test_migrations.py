"""What a fresh database holds, and that the migrations are those of the models.

The database is one of its own, made by its own process: a test that needs real transactions empties the shared one.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MIGRATE_AND_TELL = """
import json
import django
django.setup()
from django.contrib.auth.models import Permission
from django.core.management import call_command
from machines.models import Machine, MachineType
from members.models import Member, Role

def roles():
    flags = ("authorize_all", "can_maintain", "is_backend_admin", "is_reserved")
    return {role.name: [flag for flag in flags if getattr(role, flag)] for role in Role.objects.all()}

def permissions(name):
    return sorted(Role.objects.get(name=name).permissions.values_list("codename", flat=True))

call_command("migrate", verbosity=0)
told = {
    "roles": roles(),
    "permissions": {name: permissions(name) for name in roles()},
    "types": list(MachineType.objects.values("name", "needs_authorization", "allow_remote_start")),
    "machines": Machine.objects.count(),
    "members": Member.objects.count(),
}
Role.objects.get(name="Administrators").permissions.clear()
call_command("migrate", verbosity=0)
told["administrators_after_staff_chose"] = permissions("Administrators")
call_command("migrate", "machines", "zero", verbosity=0)
call_command("migrate", "members", "zero", verbosity=0)
call_command("migrate", verbosity=0)
told["roles_after_there_and_back"] = roles()
print(json.dumps(told))
"""


@contextmanager
def fresh_database_url(folder):
    from django.db import connection

    if connection.vendor == "sqlite":
        yield f"sqlite:///{folder / 'fresh.sqlite3'}"
        return
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS fabomatic_fresh")
        cursor.execute("CREATE DATABASE fabomatic_fresh")
    yield os.environ["DATABASE_URL"].rpartition("/")[0] + "/fabomatic_fresh"
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute("DROP DATABASE fabomatic_fresh")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, django_db_blocker):
    with django_db_blocker.unblock(), fresh_database_url(tmp_path_factory.mktemp("fresh")) as url:
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "fabomatic.settings",
        }
        done = subprocess.run(
            [sys.executable, "-c", MIGRATE_AND_TELL], cwd=ROOT, env=environment, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_there_are_three_reserved_roles(fresh):
    assert fresh["roles"] == {
        "Administrators": ["authorize_all", "can_maintain", "is_backend_admin", "is_reserved"],
        "Staff": ["authorize_all", "can_maintain", "is_reserved"],
        "Members": ["is_reserved"],
    }


def test_administrators_have_every_permission_of_ours(fresh):
    models = ("role", "member", "card", "machinetype", "machine", "authorization", "maintenanceplan", "intervention")
    models += ("use", "board", "tap")
    ours = {f"{verb}_{model}" for verb in ("add", "change", "delete", "view") for model in models}
    assert set(fresh["permissions"]["Administrators"]) >= ours


def test_other_roles_have_no_permissions(fresh):
    assert (fresh["permissions"]["Staff"], fresh["permissions"]["Members"]) == ([], [])


def test_there_is_a_type_that_needs_an_authorization(fresh):
    assert fresh["types"] == [{"name": "Machine", "needs_authorization": True, "allow_remote_start": False}]


def test_there_is_no_machine_and_nobody(fresh):
    assert (fresh["machines"], fresh["members"]) == (0, 0)


def test_later_migrations_leave_the_permissions_to_the_lab(fresh):
    assert fresh["administrators_after_staff_chose"] == []


def test_migrations_can_go_back_and_forth(fresh):
    assert set(fresh["roles_after_there_and_back"]) == {"Administrators", "Staff", "Members"}


@pytest.mark.django_db
def test_models_have_no_change_without_a_migration():
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
