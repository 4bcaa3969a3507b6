"""Members from files: who is meant, what would change, and who may do that."""

from __future__ import annotations

from copy import copy
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from members.changes import Details, differences, note, value
from members.days import today_here
from members.exchange import consents_in_file
from members.exchange.importing import (
    Importer,
    Plan,
    Row,
    Verdict,
    check_fields,
    details_of_new,
    may,
    refuse_without_right,
)
from members.exchange.kinds import in_any_language
from members.mail_wishes import WISHES, in_vain
from members.models import Card, Change, Member, Role
from members.power import is_last_superuser, ordinary_roles, rules_all, untouchable

ROLE_OF_OTHERS = _("Only superusers give or take roles that can do more than a member's.")
ROLE_IS_SET = _("Only superusers change somebody's role.")
TOO_POWERFUL = _("Only superusers change people with this role, or their cards.")
IS_SUPERUSER = _("A superuser keeps an e-mail and a role that enters this administration.")
LAST_SUPERUSER = _("This is the last active superuser: nobody else could change this back.")
SAME_NAME = _("Somebody of this name is here already: write the e-mail or a card, so that it is clear who is meant.")
_LANGUAGES = {"en": _("English"), "it": _("Italian")}
_CHECKED = ("role", "consent_to")  # by looking them up
_NULLABLE = frozenset({"email", "valid_until", "consent_at", "consent_to"})


class MemberImport(Importer):
    """Never a password, a permission or who is superuser: there are no such columns."""

    needs = (("email", "cards", "first_name"),)
    clearable = frozenset({"last_name", "email", "valid_until", "language", "notes", "consent_at", "consent_to"})
    hints = (
        _("A row is about the member with this e-mail or one of these cards; without such a member it is a new one."),
        _("Cards are added, none is taken away."),
    )
    FIELDS: ClassVar = (
        *("first_name", "last_name", "email", "role", "is_active", "valid_until"),
        *("language", *WISHES, "notes", "consent_at", "consent_to"),
    )

    def look_up(self, rows: list[Row]) -> None:
        for row in rows:
            row.values.update({"email": row.values["email"].lower()} if row.values.get("email") else {})
        emails = {email for row in rows if (email := row.values.get("email"))}
        uids = {uid for row in rows for uid in _uids(row)}
        self.by_email = {member.email: member for member in _members().filter(email__in=emails)}
        self.by_card = {
            card.uid: card
            for card in Card.objects.select_related("member__role", "member__consent_to").filter(uid__in=uids)
        }
        self.by_name: dict[tuple[str, str], list[Member]] = {}
        without_key = {_name_in(row)[0] for row in rows if _has_no_key(row)}
        for member in _members().filter(first_name__in=without_key).prefetch_related("cards") if without_key else ():
            self.by_name.setdefault((member.first_name, member.last_name), []).append(member)
        self.agreements = consents_in_file.versions_in(rows)
        touched = [*self.by_email.values(), *(card.member for card in self.by_card.values())]
        touched += [member for same in self.by_name.values() for member in same]
        self.untouchable = untouchable(self.actor, touched)
        self.roles = {role.name.casefold(): role for role in Role.objects.all()}
        self.ordinary = {role.pk: role for role in ordinary_roles().order_by("-is_reserved", "pk")}

    def plan(self, row: Row) -> Plan:
        self._understand(row)
        member = self._find(row)
        consents_in_file.understand(self, row, member, self.agreements)
        after = copy(member) if member is not None else Member(role=next(iter(self.ordinary.values()), None))
        for name in self.FIELDS:
            if name in row.values:
                given = row.values[name]
                setattr(after, name, "" if given is None and name not in _NULLABLE else given)
        consents_in_file.check(self, row, after)
        details = self._details(row, member, after)
        if member is None:
            self._check_new(row, after)
        elif details:
            self._check_changed(row, member, after)
        verdict = Verdict.NEW if member is None else Verdict.CHANGED if details else Verdict.UNCHANGED
        return Plan(
            row,
            Verdict.ERROR if row.errors else verdict,
            about=str(after),
            details=details,
            keys=self._keys(row, member),
            remarks=_remarks(member, after),
            write=lambda: self._write(row, member, after, details),
        )

    def _details(self, row: Row, member: Member | None, after: Member) -> Details:
        if member is None:
            return details_of_new(after, self.FIELDS) + self._details_of_cards(row)
        changed = differences(member, after, self.FIELDS)
        return ([{"did": "changed", "values": changed}] if changed else []) + self._details_of_cards(row)

    # ---- who ---------------------------------------------------------------------------------------------------------

    def _find(self, row: Row) -> Member | None:
        people = {card.member_id: card.member for uid in _uids(row) if (card := self.by_card.get(uid)) is not None}
        if same := self.by_email.get(row.values.get("email") or ""):
            people[same.pk] = same
        if len(people) > 1:
            names = ", ".join(sorted(str(person) for person in people.values()))
            text = gettext("The e-mail and the cards belong to different people: %(names)s.") % {"names": names}
            row.complain("", text)
        if people or not _has_no_key(row):
            return next(iter(people.values()), None)
        return self._find_by_name(row)

    def _find_by_name(self, row: Row) -> Member | None:
        """Only where nothing better is known, of the row and of the member."""
        found = self.by_name.get(_name_in(row), [])
        if len(found) == 1 and not found[0].email and not found[0].cards.all():
            return found[0]
        if found:
            row.complain(self.heading("first_name"), SAME_NAME)
        return None

    def _keys(self, row: Row, member: Member | None) -> list[tuple[tuple[Any, ...], str]]:
        keys: list[tuple[tuple[Any, ...], str]] = [(("card", uid), self.heading("cards")) for uid in _uids(row)]
        if email := row.values.get("email"):
            keys.insert(0, (("email", email), self.heading("email")))
        if member is not None:
            keys.append((("member", member.pk), ""))
        return keys or [(("name", *_name_in(row)), self.heading("first_name"))]

    # ---- words -------------------------------------------------------------------------------------------------------

    def _understand(self, row: Row) -> None:
        """Roles and languages by their names."""
        if (name := row.values.pop("role", None)) is not None:
            role = self.roles.get(name.casefold())
            if role is None:
                given = self.roles if rules_all(self.actor) else {r.name: r for r in self.ordinary.values()}
                known = ", ".join(sorted(role.name for role in given.values()))
                text = gettext("There is no role “%(name)s”. There are: %(known)s.") % {"name": name, "known": known}
                row.complain(self.heading("role"), text)
            else:
                row.values["role"] = role
        if name := row.values.pop("language", None) if row.values.get("language") else None:
            code = _languages().get(name.casefold())
            if code is None:
                known = ", ".join(str(label) for _code, label in settings.LANGUAGES)
                row.complain(self.heading("language"), gettext("There are: %(known)s.") % {"known": known})
            else:
                row.values["language"] = code

    # ---- what is allowed ---------------------------------------------------------------------------------------------

    def _check_new(self, row: Row, after: Member) -> None:
        refuse_without_right(row, self.actor, "add", Member)
        if not after.first_name:
            row.complain(self.heading("first_name"), gettext("A new member needs a first name."))
        if not rules_all(self.actor) and after.role_id not in self.ordinary:
            row.complain(self.heading("role"), ROLE_OF_OTHERS)
        check_fields(row, after, exclude=("password", *_CHECKED, *(() if after.first_name else ("first_name",))))

    def _check_changed(self, row: Row, member: Member, after: Member) -> None:
        if member.pk in self.untouchable:
            row.complain("", TOO_POWERFUL)
        if differences(member, after, self.FIELDS):
            refuse_without_right(row, self.actor, "change", Member)
        if not rules_all(self.actor) and after.role_id != member.role_id:
            row.complain(self.heading("role"), ROLE_IS_SET)
        if member.is_superuser:
            self._check_superuser(row, member, after)
        check_fields(row, after, exclude=("password", *_CHECKED))

    def _check_superuser(self, row: Row, member: Member, after: Member) -> None:
        if not after.email or not after.role.is_backend_admin:
            row.complain("", IS_SUPERUSER)
        elif not after.is_active and is_last_superuser(member):
            row.complain(self.heading("is_active"), LAST_SUPERUSER)

    # ---- cards -------------------------------------------------------------------------------------------------------

    def _details_of_cards(self, row: Row) -> Details:
        details: Details = []
        for uid, is_lost in _cards_in(row):
            card = self.by_card.get(uid)
            column = self.heading("lost_cards" if is_lost else "cards")
            if is_lost and uid in (row.values.get("cards") or ()):
                row.complain(column, gettext("Card %(uid)s is in both columns.") % {"uid": uid})
            elif card is not None and card.is_lost and not is_lost:
                text = gettext("Card %(uid)s was reported lost: only the member's page can take that back.")
                row.complain(column, text % {"uid": uid})
            elif card is None or card.is_lost != is_lost:
                if not may(self.actor, "add" if card is None else "change", Card):
                    row.complain(column, gettext("You may not give or change cards."))
                details.append(_detail_of_card(uid, is_new=card is None, is_lost=is_lost))
        return details

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _write(self, row: Row, member: Member | None, after: Member, details: Details) -> None:
        if member is None:
            after.set_unusable_password()
            after.save()
        elif _gives_up(member, after) and is_last_superuser(member):  # another row of the same file may have been first
            raise ValidationError(LAST_SUPERUSER)
        elif changed := [name for name in self.FIELDS if _stored(member, name) != _stored(after, name)]:
            after.save(update_fields=changed)
        for uid, is_lost in _cards_in(row):
            if (card := self.by_card.get(uid)) is None:
                Card.objects.create(uid=uid, member=after, is_lost=is_lost)
            elif card.is_lost != is_lost:
                card.is_lost = is_lost
                card.save(update_fields=["is_lost"])
        note(self.actor.pk, after, Change.Kind.ADDED if member is None else Change.Kind.CHANGED, details)


def _remarks(member: Member | None, after: Member) -> list[str]:
    """A list of old members holds ended memberships: they are taken over, but not by mistake."""
    day = after.valid_until
    is_over = day is not None and day < today_here() and (member is None or member.valid_until != day)
    wishes = member is None or any(getattr(member, wish) != getattr(after, wish) for wish in WISHES)
    return [
        *([gettext("The membership has ended already.")] if is_over else []),
        *(in_vain(after) if wishes and after.role_id is not None else []),
    ]


def _gives_up(member: Member, after: Member) -> bool:
    return member.is_superuser and member.is_active and not after.is_active


def _members() -> Any:
    return Member.objects.select_related("role", "consent_to")


def _uids(row: Row) -> list[str]:
    return [uid for uid, _is_lost in _cards_in(row)]


def _cards_in(row: Row) -> list[tuple[str, bool]]:
    lost = row.values.get("lost_cards") or ()
    return [(uid, False) for uid in row.values.get("cards") or ()] + [(uid, True) for uid in lost]


def _has_no_key(row: Row) -> bool:
    return not row.values.get("email") and not _uids(row)


def _name_in(row: Row) -> tuple[str, str]:
    return row.values.get("first_name") or "", row.values.get("last_name") or ""


def _stored(member: Member, name: str) -> Any:
    return getattr(member, Member._meta.get_field(name).attname)  # type: ignore[union-attr]


def _languages() -> dict[str, str]:
    """Codes by all that a language is called."""
    codes = [code for code, _name in settings.LANGUAGES]
    own = {word: code for code, name in settings.LANGUAGES for word in (code, str(name).casefold())}
    return own | {word: code for code, name in _LANGUAGES.items() for word in in_any_language(name, codes)}


def _detail_of_card(uid: str, *, is_new: bool, is_lost: bool) -> dict[str, Any]:
    values = [value("lost", None if is_new else False, True, personal=True)] if is_lost else []
    about = {"did": "added" if is_new else "changed", "name": "card", "object": uid, "personal": True}
    return {**about, "values": values} if values else about
