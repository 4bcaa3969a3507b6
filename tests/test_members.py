"""People and cards: addresses, card numbers, roles that stay, and what a role lets its people do."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from members.models import Card, Member, Role
from members.uids import is_reader_uid, normalise_uid
from tests.conftest import NOW

pytestmark = pytest.mark.django_db


# ---- e-mail ----------------------------------------------------------------------------------------------------------


def test_email_is_stored_in_lower_case(make_member):
    assert make_member("Ada", email=" Ada@Example.ORG ").email == "ada@example.org"


def test_missing_email_is_null(make_member):
    make_member("Ada", email="")
    assert Member.objects.get().email is None


def test_many_members_have_no_email(make_member):
    make_member("Ada")
    make_member("Bruno", email="   ")
    assert Member.objects.filter(email__isnull=True).count() == 2


def test_same_email_in_another_case_is_refused(make_member):
    make_member("Ada", email="ada@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_member("Anna", email="ADA@example.org")


def test_form_says_that_an_email_is_taken_in_another_case(make_member, roles):
    make_member("Ada", email="ada@example.org")
    twin = Member(first_name="Anna", email="ADA@Example.org", role=roles.members, password="!")
    with pytest.raises(ValidationError) as refusal:
        twin.full_clean()
    assert "email" in refusal.value.error_dict


@pytest.mark.parametrize("email", ["Ada@example.org", ""])
def test_database_refuses_an_email_that_went_past_save(ada, email):
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.filter(pk=ada.pk).update(email=email)


def test_login_takes_the_email_in_any_case(dora):
    assert authenticate(username=" Dora@Example.ORG", password="dora-knows-it") == dora


def test_member_without_password_cannot_log_in(ada):
    assert authenticate(username="ada@example.org", password="") is None
    assert not ada.has_usable_password()


def test_disabled_administrator_cannot_log_in(dora):
    dora.is_active = False
    dora.save()
    assert authenticate(username="dora@example.org", password="dora-knows-it") is None


# ---- active and not --------------------------------------------------------------------------------------------------


def test_disabling_notes_when(ada):
    with time_machine.travel(NOW, tick=False):
        ada.is_active = False
        ada.save()
    assert Member.objects.get(pk=ada.pk).deactivated_at == NOW


def test_time_of_disabling_stays_when_other_fields_change(ada):
    with time_machine.travel(NOW, tick=False):
        ada.is_active = False
        ada.save()
    ada.notes = "Left the lab."
    ada.save()
    assert Member.objects.get(pk=ada.pk).deactivated_at == NOW


def test_saving_only_the_flag_notes_when_too(ada):
    ada.is_active = False
    ada.save(update_fields=["is_active"])
    assert Member.objects.get(pk=ada.pk).deactivated_at is not None


def test_enabling_again_forgets_when(enzo):
    enzo.is_active = True
    enzo.save(update_fields=["is_active"])
    assert Member.objects.get(pk=enzo.pk).deactivated_at is None


def test_database_refuses_a_disabled_member_without_the_time(ada):
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.filter(pk=ada.pk).update(is_active=False)


def test_database_refuses_an_active_member_with_a_time(ada):
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.filter(pk=ada.pk).update(deactivated_at=NOW)


# ---- cards -----------------------------------------------------------------------------------------------------------

NOTATIONS = ["0a1b2c3d", "0A1B2C3D", "0A:1B:2C:3D", "0a-1b-2c-3d", "0a 1b 2c 3d", " 0A.1b.2C.3d\n", "0A:1b 2c-3D"]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_card_number_is_stored_one_way_whatever_is_typed(make_member, notation):
    Card.objects.create(uid=notation, member=make_member("Ada"))
    assert Card.objects.values_list("uid", flat=True).get() == "0a1b2c3d"


@pytest.mark.parametrize("notation", NOTATIONS)
def test_card_is_found_in_any_notation(ada, notation):
    assert Card.objects.get(uid=notation).member == ada


@pytest.mark.parametrize("notation", NOTATIONS)
def test_bulk_and_update_normalise_too(make_member, notation):
    ada = make_member("Ada")
    Card.objects.bulk_create([Card(uid=notation, member=ada)])
    Card.objects.update(uid=notation)
    assert Card.objects.values_list("uid", flat=True).get() == "0a1b2c3d"


def test_card_knows_its_number_as_stored(make_member):
    assert Card.objects.create(uid="0A:1B:2C:3D", member=make_member("Ada")).uid == "0a1b2c3d"


def test_second_card_with_the_same_number_is_refused_in_any_notation(ada, bruno):
    with pytest.raises(IntegrityError), transaction.atomic():
        Card.objects.create(uid="0A:1B:2C:3D", member=bruno)


def test_form_says_that_a_card_is_taken_in_any_notation(ada, bruno):
    with pytest.raises(ValidationError) as refusal:
        Card(uid="0A 1B 2C 3D", member=bruno).full_clean()
    assert "uid" in refusal.value.error_dict


@pytest.mark.parametrize(
    "typed", ["", "12", "0a1b2c3", "0a1b2c3d4", "0a1b2c3g", "ada's card", "٠a1b2c3d", "0a1b2c3d" * 6]
)
def test_what_is_no_card_number_is_refused_in_forms(ada, typed):
    with pytest.raises(ValidationError) as refusal:
        Card(uid=typed, member=ada).full_clean()
    assert set(refusal.value.error_dict) == {"uid"}


def test_form_takes_separators(ada):
    card = Card(uid="DE:AD:BE:EF", member=ada)
    card.full_clean()
    assert card.uid == "deadbeef"


def test_shorter_number_of_an_older_database_can_be_stored(ada):
    assert Card.objects.create(uid="1A2B3C", member=ada).uid == "1a2b3c"


def test_member_may_have_several_cards_and_they_go_with_the_member(ada):
    Card.objects.create(uid="ffffffff", member=ada)
    ada.delete()
    assert not Card.objects.exists()


@pytest.mark.parametrize(("typed", "stored"), [("AA:BB", "aabb"), ("x y", "xy"), ("", ""), ("--", "")])
def test_normalising_keeps_what_is_no_number_recognisable(typed, stored):
    assert normalise_uid(typed) == stored


@pytest.mark.parametrize("uid", ["0A1B2C3D", "0a1b2c3d\n", "٠١٢٣٤٥٦٧", "0x1b2c3d", "+a1b2c3d", "_a1b2c3d"])
def test_only_lower_case_ascii_digits_are_a_readers_number(uid):
    assert not is_reader_uid(uid)


# ---- roles -----------------------------------------------------------------------------------------------------------


def test_reserved_role_cannot_be_deleted(roles):
    with pytest.raises(ProtectedError):
        roles.members.delete()


def test_reserved_roles_cannot_be_deleted_in_bulk(roles):
    Role.objects.create(name="Guests")
    with pytest.raises(ProtectedError), transaction.atomic():
        Role.objects.all().delete()
    assert Role.objects.count() == 4


def test_labs_own_role_can_be_deleted(roles):
    Role.objects.create(name="Guests").delete()
    assert not Role.objects.filter(name="Guests").exists()


def test_role_with_people_cannot_be_deleted(make_member):
    guests = Role.objects.create(name="Guests")
    make_member("Ada", role=guests)
    with pytest.raises(ProtectedError):
        guests.delete()


@pytest.mark.parametrize("flag", ["authorize_all", "can_maintain", "is_backend_admin"])
def test_each_flag_is_power(roles, flag):
    setattr(roles.members, flag, True)
    assert roles.members.has_power


def test_ordinary_role_has_no_power(roles):
    assert not roles.members.has_power


# ---- permissions -----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(roles):
    """People who see machines in the administration, and nothing of members."""
    role = Role.objects.create(name="Desk", is_backend_admin=True)
    role.permissions.add(Permission.objects.get(codename="view_machine"))
    return role


def test_role_gives_its_permissions_and_no_others(make_member, desk):
    ada = make_member("Ada", role=desk)
    assert ada.has_perm("machines.view_machine")
    assert not ada.has_perm("machines.change_machine")
    assert not ada.has_perm("members.view_member")


def test_role_gives_the_modules_of_its_permissions(make_member, desk):
    ada = make_member("Ada", role=desk)
    assert (ada.has_module_perms("machines"), ada.has_module_perms("members")) == (True, False)


def test_all_of_several_permissions_are_needed(make_member, desk):
    ada = make_member("Ada", role=desk)
    assert not ada.has_perms(["machines.view_machine", "machines.add_machine"])


def test_disabled_member_loses_permissions_and_administration(make_member, desk):
    ada = make_member("Ada", role=desk, is_active=False)
    assert (ada.is_staff, ada.has_perm("machines.view_machine"), ada.has_module_perms("machines")) == (False,) * 3


def test_disabled_superuser_loses_everything(dora):
    dora.is_active = False
    dora.save()
    assert (dora.is_staff, dora.has_perm("members.delete_member"), dora.has_module_perms("members")) == (False,) * 3


def test_session_of_a_disabled_administrator_is_over(client, dora):
    client.force_login(dora)
    Member.objects.update(is_active=False, deactivated_at=NOW)
    assert client.get("/admin/").status_code == 302


def test_only_an_active_backend_administrator_enters_the_administration(everybody):
    assert [name for name, member in vars(everybody).items() if member.is_staff] == ["dora"]


def test_superuser_has_every_permission(dora):
    assert dora.has_perm("members.delete_role")
    assert dora.has_perm("nothing.of_the_kind")
    assert dora.has_module_perms("members")


def test_superuser_without_administrators_role_has_no_more_than_the_role(make_member, roles):
    """The flag's own help text says: an active backend administrator only."""
    ada = make_member("Ada", role=roles.members, is_superuser=True)
    assert not ada.is_staff
    assert not ada.has_perm("members.delete_member")
    assert not ada.has_module_perms("members")


def test_permissions_are_asked_once_per_request(make_member, desk, django_assert_max_num_queries):
    ada = Member.objects.select_related("role").get(pk=make_member("Ada", role=desk).pk)
    with django_assert_max_num_queries(2):
        for codename in ("view_machine", "add_machine", "change_machine", "delete_machine"):
            ada.has_perm(f"machines.{codename}")


# ---- createsuperuser -------------------------------------------------------------------------------------------------


def create_superuser(monkeypatch, email="Boss@Example.org"):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "boss-knows-it")
    call_command("createsuperuser", interactive=False, email=email, first_name="Bo", last_name="Ss", verbosity=0)


def test_createsuperuser_makes_an_administrator_who_gets_in(roles, monkeypatch, client):
    create_superuser(monkeypatch)
    boss = Member.objects.get(email="boss@example.org")
    assert (boss.is_staff, boss.is_superuser, boss.role.name) == (True, True, "Administrators")
    assert client.login(username="boss@example.org", password="boss-knows-it")


def test_createsuperuser_works_where_the_roles_are_gone(roles, monkeypatch):
    roles.administrators.permissions.clear()
    Role.objects.all()._raw_delete("default")
    create_superuser(monkeypatch)
    assert Member.objects.get().is_staff


def test_createsuperuser_lets_in_again_where_the_administrators_role_lost_its_flag(roles, monkeypatch):
    """The way out for a lab that has locked itself out."""
    Role.objects.update(is_backend_admin=False)
    create_superuser(monkeypatch)
    assert Member.objects.get().is_staff


def test_createsuperuser_refuses_a_taken_email_in_any_case(ada, monkeypatch):
    with pytest.raises(CommandError):
        create_superuser(monkeypatch, email="ADA@example.org")


def test_member_is_created_when_it_is_created(make_member):
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert make_member("Ada").created_at == NOW + timedelta(days=1)
