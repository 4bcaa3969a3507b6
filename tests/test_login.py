"""Who gets in, how far, and until when."""

from contextlib import suppress

import pytest
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from members.models import Member
from telemetry.live.guests import Credentials, viewers_now
from tests.doors import LOGIN, complaints_of, is_logged_in, log_in
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db
PASSWORD = "dora-knows-it"
WRONG = "Please enter a correct e-mail address and password."


@pytest.fixture
def ida(make_member):
    """An ordinary member who may log in."""
    return make_member("Ida", email="ida@example.org", password="ida-knows-it")


def pages_of_the_admin():
    _prefix, resolver = get_resolver().namespace_dict["admin"]
    for name in resolver.reverse_dict:
        with suppress(NoReverseMatch):
            yield reverse(f"admin:{name}" if isinstance(name, str) else "no such page")


@pytest.mark.parametrize("email", ["dora@example.org", "Dora@Example.ORG", "  dora@example.org "])
def test_email_opens_the_administration_in_any_case(client, dora, email):
    assert log_in(client, email, PASSWORD)["Location"] == "/admin/"

    assert client.get("/admin/").status_code == 200


def test_disabled_member_reads_what_a_wrong_password_reads(client, dora):
    Member.objects.filter(pk=dora.pk).update(is_active=False, deactivated_at="2026-01-01T00:00Z")
    disabled = log_in(client, "dora@example.org", PASSWORD)
    unknown = log_in(client, "nobody@example.org", PASSWORD)

    assert complaints_of(disabled) == complaints_of(unknown) == [WRONG]
    assert disabled.status_code == unknown.status_code == 200


def test_member_without_a_password_gets_in_with_none(client, ada):
    for password in ("", " ", "!", ada.password):
        log_in(client, "ada@example.org", password)
        assert not is_logged_in(client)


def test_ordinary_member_logs_in_for_the_machines(client, ida):
    assert log_in(client, "ida@example.org", "ida-knows-it", "/")["Location"] == "/"
    assert client.get("/").status_code == 200


def test_ordinary_member_is_told_why_the_administration_stays_shut(client, ida):
    log_in(client, "ida@example.org", "ida-knows-it")

    response = client.get("/admin/", follow=True)

    assert "You are logged in as Ida, whose role does not enter the administration." in response.content.decode()
    assert response.redirect_chain[-1][0].startswith(LOGIN)


def test_ordinary_member_finds_no_way_round(ida):
    client = client_of(ida)
    pages = set(pages_of_the_admin()) - {reverse("admin:login"), reverse("admin:logout")}
    assert len(pages) > 15
    for page in pages:
        response = client.get(page)
        assert response.status_code == 302, page
        assert response["Location"].startswith(LOGIN), page


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example/",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "\t//e.x",
    ],
)
def test_next_page_is_one_of_ours(client, dora, elsewhere):
    response = log_in(client, "dora@example.org", PASSWORD, elsewhere)

    assert response["Location"] == "/"


def test_log_out_needs_a_post(client, dora):
    client.force_login(dora)
    for address in ("/logout/", "/admin/logout/"):
        assert client.get(address).status_code == 405
        assert is_logged_in(client)

    client.post("/logout/", {"next": "https://evil.example"})

    assert not is_logged_in(client)


def test_log_out_leads_nowhere_else(client, dora):
    client.force_login(dora)
    assert client.post("/logout/", {"next": "https://evil.example"})["Location"] == "/"


def test_a_form_without_our_token_logs_nobody_in(dora):
    client = Client(enforce_csrf_checks=True)
    assert log_in(client, "dora@example.org", PASSWORD).status_code == 403


def test_session_gets_another_key_at_the_login(client, dora):
    client.get(LOGIN)
    client.session["planted"] = "1"
    client.session.save()
    before = client.session.session_key

    log_in(client, "dora@example.org", PASSWORD)

    assert client.session.session_key != before


# ---- until when ------------------------------------------------------------------------------------------------------


def lose_the_role(member, roles):
    Member.objects.filter(pk=member.pk).update(role=roles.members)


def lose_the_roles_power(member, roles):
    member.role.is_backend_admin = False
    member.role.save()


def get_disabled(member, roles):
    member.is_active = False
    member.save()


def get_another_password(member, roles):
    member.set_password("something-else-entirely")
    member.save()


@pytest.mark.parametrize("change", [lose_the_role, lose_the_roles_power, get_disabled, get_another_password])
def test_session_ends_at_once_on_page_admin_and_live_socket(settings, dora, roles, now, change):
    settings.DASHBOARD_ACCESS = "login"
    client = client_of(dora)
    guest = Credentials(session_key=client.session.session_key)
    assert client.get("/admin/").status_code == client.get("/").status_code == 200
    assert viewers_now([guest], now)[guest].member_id == dora.pk

    change(dora, roles)

    assert viewers_now([guest], now)[guest] is None
    assert client.get("/admin/").status_code == 302
    assert client.get("/").status_code == 302


def test_session_ends_also_for_who_gains_the_administration(ida):
    client = client_of(ida)
    Member.objects.filter(pk=ida.pk).update(role=backend_role("Desk"))

    assert client.get("/admin/").status_code == 302


# ---- another password ------------------------------------------------------------------------------------------------


def change_password(client, old, new="quite-another-thing"):
    return client.post("/admin/password_change/", {"old_password": old, "new_password1": new, "new_password2": new})


def test_own_password_is_changed_and_only_this_session_stays(dora):
    here, elsewhere = client_of(dora), client_of(dora)

    assert change_password(here, PASSWORD)["Location"] == "/admin/password_change/done/"

    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert log_in(Client(), "dora@example.org", "quite-another-thing").status_code == 302


def test_old_password_is_asked_for(dora):
    response = change_password(client_of(dora), "not-this-one")

    assert list(response.context["form"].errors) == ["old_password"]
    dora.refresh_from_db()
    assert dora.check_password(PASSWORD)


def test_easy_password_is_refused_beside_its_field(dora):
    response = change_password(client_of(dora), PASSWORD, "12345678")

    assert "This password is too common." in response.context["form"].errors["new_password2"]


@pytest.mark.parametrize("page", [LOGIN, "/admin/password_change/", "/admin/password_change/done/"])
def test_pages_are_there_in_italian(dora, page):
    dora.language = "it"
    dora.save()
    client = Client(headers={"accept-language": "it"}) if page == LOGIN else client_of(dora)

    response = client.get(page)

    assert response.status_code == 200
    assert '<html lang="it"' in response.content.decode()
