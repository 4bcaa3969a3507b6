"""Which of a person's rights whoever looks at their page may serve: `members` knows nothing of them."""

from __future__ import annotations

from typing import Any

from django import template

from fabomatic.privacy import admin_views

register = template.Library()


@register.simple_tag(takes_context=True)
def may_export(context: Any, member: Any) -> bool:
    return member is not None and admin_views.may_export(context["request"].user, member)


@register.simple_tag(takes_context=True)
def may_erase(context: Any, member: Any) -> bool:
    return member is not None and admin_views.may_erase(context["request"].user, member)
