"""People, roles and cards in the admin, and what all our admin pages share."""

from django.contrib import admin
from django.contrib.auth.models import Group

from members.admin.agreements import AgreementAdmin
from members.admin.base import LabAdmin, sees_people
from members.admin.cards import CardAdmin
from members.admin.change_log import ChangeAdmin
from members.admin.filters import OneOfFilter, PersonFilter, SpanFilter
from members.admin.people import MemberAdmin
from members.admin.roles import RoleAdmin
from members.admin.search import FindsCards

__all__ = [
    "AgreementAdmin",
    "CardAdmin",
    "ChangeAdmin",
    "FindsCards",
    "LabAdmin",
    "MemberAdmin",
    "OneOfFilter",
    "PersonFilter",
    "RoleAdmin",
    "SpanFilter",
    "sees_people",
]

admin.site.unregister(Group)  # permissions come from roles
