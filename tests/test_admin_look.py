"""What all pages of the admin share: the header, lists nobody counts to their end, nothing that the policy forbids."""

import re

import pytest
from django.test import Client

from members.admin import MemberAdmin, base
from members.models import Member
from tests.staff import backend_role, client_of

pytestmark = pytest.mark.django_db

LIST = "/admin/members/member/"


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


@pytest.fixture
def crowd(make_member) -> None:
    for number in range(5):
        make_member(f"Member {number}")


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("url", ["/admin/", LIST, f"{LIST}add/"])
def test_the_header_leads_to_the_live_page_and_the_statistics(boss, url):
    text = text_of(boss, url)
    assert '<a href="/">Live page</a>' in text
    assert '<a href="/statistics/">Statistics</a>' in text


def test_who_may_not_see_uses_is_not_led_to_statistics(make_member):
    guest = client_of(make_member("Gil", role=backend_role("Guests", "view_board")))
    assert "/statistics/" not in text_of(guest, "/admin/")


@pytest.mark.parametrize("url", ["/admin/", "/admin/login/"])
def test_the_language_is_chosen_by_a_form_that_comes_back(boss, client, url):
    visitor = client if "login" in url else boss
    form = re.search(r'<form action="/i18n/setlang/" method="post".*?</form>', text_of(visitor, url), re.DOTALL)
    assert form is not None
    assert f'name="next" value="{url}"' in form[0]
    assert re.findall(r'name="language" value="(\w+)"', form[0]) == ["en", "it"]


@pytest.mark.parametrize("url", ["/admin/", "/admin/login/", LIST, f"{LIST}add/", "/admin/machines/machine/add/"])
@pytest.mark.parametrize("language", ["en", "it"])
def test_no_page_holds_what_the_policy_forbids(boss, dora, client, url, language):
    Member.objects.filter(pk=dora.pk).update(language=language)
    text = text_of(client if "login" in url else boss, url)
    assert not re.findall(r'<style|\sstyle="|\son\w+="|<script(?![^>]*\ssrc=)(?![^>]*type="application/json")', text)
    assert not re.findall(r'(?:src|href)="https?:', text)


def test_a_short_list_says_how_many(boss, crowd):
    assert "6 members" in text_of(boss, LIST)


def test_a_list_that_nobody_counts_to_its_end_says_so(boss, crowd, monkeypatch):
    monkeypatch.setattr(MemberAdmin, "list_per_page", 2)
    assert "Select all 6 members" in text_of(boss, LIST)
    monkeypatch.setattr(base, "MOST_ROWS", 4)
    text = text_of(boss, LIST)
    assert "more than 4 members" in text
    assert "Select all 4 members" not in text


def test_a_list_of_exactly_as_many_is_counted(boss, crowd, monkeypatch):
    monkeypatch.setattr(base, "MOST_ROWS", 6)
    assert "6 members" in text_of(boss, LIST)


def test_filters_say_that_they_are_in_use(boss, crowd):
    assert '<span class="on">' not in text_of(boss, LIST)
    assert '<span class="on">in use</span>' in text_of(boss, f"{LIST}?state=active")
