"""Staff makes a screen's link, sees it once, and ends what the screen shows. No trace of a secret stays."""

import re

import pytest
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from members.models import Change
from telemetry.models import Screen
from telemetry.screens import exchange, make_link, revoke
from telemetry.viewers import secret_hash
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page, save

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def let_screens_in(settings):
    settings.DASHBOARD_ACCESS = "screens"


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def screen() -> Screen:
    return Screen.objects.create(name="Workshop")


@pytest.fixture
def shown(screen) -> Screen:
    """A screen that shows the machines."""
    exchange(make_link(screen, timezone.now()), timezone.now())
    screen.refresh_from_db()
    return screen


@pytest.fixture
def colleague(make_member):
    def make(*codenames: str) -> Client:
        role = backend_role(" ".join(codenames) or "nothing", *codenames)
        return client_of(make_member("Rita", role=role, email="rita@example.org"))

    return make


def text_of(response) -> str:
    assert response.status_code == 200, response
    return response.content.decode()


def link_in(response) -> str:
    return re.search(r'value="(http[^"]*/screen/#[^"]+)"', text_of(response))[1]


def secret_in(response) -> str:
    return link_in(response).partition("#")[2]


def link_address(screen: Screen) -> str:
    return f"/admin/telemetry/screen/{screen.pk}/link/"


def press_revoke(client: Client, *screens: Screen, **more):
    pressed = {"action": "revoke_selected", "_selected_action": [screen.pk for screen in screens], **more}
    return client.post(page(Screen, "changelist"), pressed)


# ---- making a link ---------------------------------------------------------------------------------------------------


def test_a_name_is_all_it_takes(boss, dora):
    secret = secret_in(save(boss, page(Screen, "add"), name="Workshop"))
    screen, _cookie = exchange(secret, timezone.now())
    assert (screen.name, screen.created_by) == ("Workshop", dora)


def test_the_form_asks_for_the_name_only(boss):
    form = boss.get(page(Screen, "add")).context["adminform"].form
    assert list(form.fields) == ["name"]


def test_the_link_leads_to_the_labs_address(boss, settings):
    settings.SITE_URL = "https://lab.example.org"
    link = link_in(save(boss, page(Screen, "add"), name="Workshop"))
    assert link.startswith("https://lab.example.org/screen/#")


def test_where_nobody_set_the_labs_address_the_link_leads_where_staff_is(boss, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "http://127.0.0.1:8000", ["lab.local"]
    response = boss.post(page(Screen, "add"), {"name": "Workshop"}, headers={"host": "lab.local:8000"})
    assert link_in(response).startswith("http://lab.local:8000/screen/#")


def test_the_page_says_how_long_for_whom_and_that_it_is_shown_only_now(boss):
    text = text_of(save(boss, page(Screen, "add"), name="Workshop"))
    assert "valid for 24 hours, for one browser, and is shown only now" in text
    assert "data-copy" in text


def test_the_link_is_shown_once(boss):
    secret = secret_in(save(boss, page(Screen, "add"), name="Workshop"))
    screen = Screen.objects.get()
    for url in (page(Screen, "changelist"), page(Screen, "change", screen.pk), page(Screen, "history", screen.pk)):
        assert secret not in text_of(boss.get(url))


def test_the_secret_is_in_no_log_session_message_or_address(boss):
    added = save(boss, page(Screen, "add"), name="Workshop")
    renewed = boss.post(link_address(Screen.objects.get()))
    for response in (added, renewed):
        secret = secret_in(response)
        kept = [repr(Change.objects.values_list()), repr([row.get_decoded() for row in Session.objects.all()])]
        kept += [str(message) for message in get_messages(response.wsgi_request)]
        kept += [str(value) for value in (*response.headers.values(), *response.cookies.values())]
        kept += [repr(Screen.objects.values()), response.wsgi_request.get_full_path()]
        assert not [place for place in kept if secret in place or secret[:8] in place]


def test_no_cache_keeps_the_page_with_the_link(boss, screen):
    assert "no-store" in boss.post(link_address(screen))["Cache-Control"]


def test_a_name_is_taken_once_and_no_markup(boss, screen):
    assert "already exists" in text_of(boss.post(page(Screen, "add"), {"name": "Workshop"}))
    text = text_of(boss.post(page(Screen, "add"), {"name": '<b>"bold'}))
    assert "<b>" not in text
    assert "&lt;b&gt;&quot;bold" in text


def test_a_new_link_ends_the_old_one_and_is_noted(boss, shown, dora):
    secret = secret_in(boss.post(link_address(shown)))
    shown.refresh_from_db()
    assert (shown.cookie_hash, shown.link_hash) == ("", secret_hash(secret))
    entry = Change.objects.get()
    assert (entry.member, entry.object_repr, entry.details[0]["text"]) == (dora, "Workshop", "Made a new link.")


def test_asking_for_the_address_of_a_link_makes_none(boss, shown):
    assert boss.get(link_address(shown))["Location"] == page(Screen, "change", shown.pk)
    shown.refresh_from_db()
    assert (shown.link_hash, bool(shown.cookie_hash)) == ("", True)


@pytest.mark.parametrize("number", ["999", "x", "1/2"])
def test_a_screen_that_is_not_there_gets_no_link(boss, number):
    assert boss.post(f"/admin/telemetry/screen/{number}/link/").status_code == 302


def test_a_renamed_screen_goes_on_showing_the_machines(boss, shown):
    cookie_hash = shown.cookie_hash
    assert save(boss, page(Screen, "change", shown.pk), name="Entrance").status_code == 302
    shown.refresh_from_db()
    assert (shown.name, shown.cookie_hash) == ("Entrance", cookie_hash)


@pytest.mark.parametrize(("access", "sentence"), [("login", "not let in"), ("public", "no screen needs a link")])
def test_staff_is_told_where_links_are_of_no_use(boss, screen, settings, access, sentence):
    settings.DASHBOARD_ACCESS = access
    assert sentence in text_of(boss.get(page(Screen, "changelist")))
    assert sentence in text_of(boss.post(link_address(screen)))


# ---- ending it -------------------------------------------------------------------------------------------------------


def test_revoking_asks_first(boss, shown):
    text = text_of(press_revoke(boss, shown))
    assert "ends within seconds" in text
    shown.refresh_from_db()
    assert shown.revoked_at is None


def test_revoked_screens_see_nothing_any_more(boss, shown, dora):
    press_revoke(boss, shown, sure="yes")
    shown.refresh_from_db()
    assert (shown.cookie_hash, shown.link_hash) == ("", "")
    assert shown.revoked_at is not None
    entry = Change.objects.get()
    assert (entry.member, entry.object_repr, entry.details[0]["text"]) == (dora, "Workshop", "Revoked.")


def test_several_are_revoked_at_once_and_each_is_noted(boss, shown):
    others = [Screen.objects.create(name=name) for name in ("Entrance", "Attic")]
    response = press_revoke(boss, shown, *others, sure="yes")
    assert "3 screens were revoked" in str(next(iter(get_messages(response.wsgi_request))))
    assert Screen.objects.filter(revoked_at=None).count() == 0
    assert Change.objects.count() == 3


def test_a_screen_keeps_the_time_when_it_was_revoked_first(boss, screen):
    revoke(screen, NOW)
    press_revoke(boss, screen, sure="yes")
    screen.refresh_from_db()
    assert screen.revoked_at == NOW


def test_the_screens_own_page_has_both_buttons(boss, shown):
    text = text_of(boss.get(page(Screen, "change", shown.pk)))
    assert f'action="{link_address(shown)}"' in text
    assert '<input type="hidden" name="action" value="revoke_selected">' in text


def test_a_revoked_screen_can_only_get_a_new_link(boss, screen):
    revoke(screen, NOW)
    text = text_of(boss.get(page(Screen, "change", screen.pk)))
    assert link_address(screen) in text
    assert "revoke_selected" not in text


def test_a_deleted_screen_is_gone(boss, shown):
    boss.post(page(Screen, "delete", shown.pk), {"post": "yes"})
    assert not Screen.objects.exists()


# ---- the list --------------------------------------------------------------------------------------------------------


def state_of(boss) -> str:
    row = re.search(r'class="field-state">([^<]*)<', text_of(boss.get(page(Screen, "changelist"))))
    return row[1]


def test_the_list_says_what_became_of_each(boss, screen):
    assert state_of(boss) == "link expired"
    now = timezone.now()
    secret = make_link(screen, now)
    assert state_of(boss).startswith("waits for its first opening until ")
    exchange(secret, now)
    assert state_of(boss).startswith("shows the machines since ")
    screen.refresh_from_db()
    revoke(screen, NOW)
    assert state_of(boss) == "revoked 10 Mar 2026, 13:00"


def test_more_screens_cost_no_more_queries(
    boss, screen, dora, django_assert_max_num_queries, django_assert_num_queries
):
    with django_assert_max_num_queries(10) as few:
        boss.get(page(Screen, "changelist"))
    for number in range(20):
        Screen.objects.create(name=f"Screen {number}", created_by=dora)
    with django_assert_num_queries(len(few)):
        boss.get(page(Screen, "changelist"))


# ---- who may ---------------------------------------------------------------------------------------------------------


def test_nobody_makes_screens_without_the_right_to(colleague):
    assert colleague("view_screen", "change_screen").post(page(Screen, "add"), {"name": "Mine"}).status_code == 403
    assert not Screen.objects.exists()


def test_who_may_only_look_gets_no_link_and_ends_nothing(colleague, shown):
    client = colleague("view_screen", "add_screen")
    assert client.post(link_address(shown)).status_code == 403
    press_revoke(client, shown, sure="yes")
    text = text_of(client.get(page(Screen, "change", shown.pk)))
    assert "New link" not in text
    assert "revoke_selected" not in text
    shown.refresh_from_db()
    assert (bool(shown.cookie_hash), shown.revoked_at) == (True, None)


def test_who_may_change_screens_makes_links_and_revokes(colleague, shown):
    client = colleague("view_screen", "change_screen")
    assert secret_in(client.post(link_address(shown)))
    press_revoke(client, shown, sure="yes")
    shown.refresh_from_db()
    assert shown.revoked_at is not None


def test_who_may_only_add_sees_the_link_and_no_list(colleague):
    response = colleague("add_screen").post(page(Screen, "add"), {"name": "Workshop"})
    assert secret_in(response)
    assert "To all screens" not in text_of(response)


def test_strangers_and_members_get_no_link(client, ada, shown):
    for browser in (client, client_of(ada)):
        assert browser.post(link_address(shown)).status_code == 302
    shown.refresh_from_db()
    assert shown.link_hash == ""


def test_nothing_changes_by_a_post_from_elsewhere(dora, shown):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(dora)
    assert browser.post(link_address(shown)).status_code == 403
    assert press_revoke(browser, shown, sure="yes").status_code == 403
    shown.refresh_from_db()
    assert (bool(shown.cookie_hash), shown.revoked_at) == (True, None)
