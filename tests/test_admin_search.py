"""Finding people, machines and cards, also where that is much of a long history."""

import pytest
import time_machine
from django.test import Client

from machines.models import Authorization, Use
from members.admin import base, search
from members.models import Card
from tests.conftest import NOW
from tests.staff import backend_role, client_of, page

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def boss(dora) -> Client:
    return client_of(dora)


def found(client: Client, model=Use, **asked) -> list:
    return list(client.get(page(model, "changelist"), asked).context["cl"].result_list)


@pytest.fixture
def uses(ada, bruno, laser, printer, make_use):
    """Ada at both machines, Bruno at the laser, and somebody whose card nobody knows; the latest first."""
    return [
        make_use(laser, 60, hours_ago=1, member=ada, card_uid=ada.uid),
        make_use(printer, 60, hours_ago=2, member=ada, card_uid=ada.uid),
        make_use(laser, 60, hours_ago=3, member=bruno, card_uid=bruno.uid),
        make_use(laser, 60, hours_ago=4, card_uid="deadbeef"),
    ]


WORDS = [
    ("ada", [0, 1]),
    ("ADA laser", [0]),
    ("laser", [0, 2, 3]),
    ("7", [0, 2, 3]),
    ("ada bruno", []),
    ("0A:1B:2C:3D", [0, 1]),
    ("dead", [3]),
    ("zzz", []),
    ('"ada"', [0, 1]),
    ("%", []),
    ("a" * 300, []),
]


@pytest.mark.parametrize(("q", "positions"), WORDS)
def test_every_word_is_found_in_a_person_a_machine_or_all_of_it_in_a_card(boss, uses, q, positions):
    assert found(boss, q=q) == [uses[position] for position in positions]


@pytest.mark.parametrize(("q", "positions"), WORDS)
def test_what_finds_much_finds_the_same_by_reading(boss, uses, monkeypatch, q, positions):
    monkeypatch.setattr(search, "MANY_ROWS", 1)
    monkeypatch.setattr(search, "MOST_ROWS", 10)
    assert found(boss, q=q) == [uses[position] for position in positions]


def test_somebody_with_many_uses_is_filtered_by_reading(boss, uses, monkeypatch):
    monkeypatch.setattr(search, "MANY_ROWS", 1)
    assert found(boss, member__like="lovelace") == uses[:2]


def test_a_search_full_of_words_is_no_error(boss, uses):
    assert found(boss, q=" ".join(["ada"] * 2000)) == uses[:2]


def test_words_cost_no_queries(boss, uses, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        found(boss, q="ada lovelace laser 7")


def test_a_member_with_two_cards_is_found_once(ada):
    Card.objects.create(uid="0a1bffff", member=ada)
    assert list(search.people_matching("0a1b")) == [ada]


def test_no_words_mean_nobody(ada):
    assert not search.people_matching("  ").exists()


def test_who_may_not_see_members_finds_no_card(make_member, uses):
    clerk = client_of(make_member("Fred", role=backend_role("Hours", "view_use")))
    assert found(clerk, q="0a1b2c3d") == found(clerk, q="lovelace") == []
    assert found(clerk, q="printer") == [uses[1]]


def test_rights_are_found_by_card_and_by_two_words(boss, ada, laser):
    assert [right.member for right in found(boss, Authorization, q="0a1b2c3d")] == [ada]
    assert [right.member for right in found(boss, Authorization, q="lovelace laser")] == [ada]


def test_a_list_is_counted_no_further_than_anybody_pages(boss, uses, monkeypatch):
    monkeypatch.setattr(base, "MOST_ROWS", 2)
    assert boss.get(page(Use, "changelist")).context["cl"].result_count <= 3


def test_a_list_is_not_sorted_by_what_no_heading_offers(boss, uses):
    for order in ("3", "-4", "2.3"):
        assert found(boss, o=order) == uses


def test_counts_beside_filters_are_never_made(boss, uses):
    assert not boss.get(page(Use, "changelist"), {"_facets": "True"}).context["cl"].add_facets
