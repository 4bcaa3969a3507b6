"""What members agree to: which text stands now, a new one after it, and words to begin with."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Max
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from members.models import Agreement, Member

_GAP = re.compile(r"\[[^\]]+\]")


def current() -> Agreement | None:
    return Agreement.objects.order_by("-version").first()


def publish(text: str, member: Member | None, now: datetime) -> Agreement:
    agreement = Agreement(text=text, published_at=now, published_by=member)
    return give_number(agreement)


def give_number(agreement: Agreement) -> Agreement:
    hold()
    last = Agreement.objects.aggregate(last=Max("version"))["last"] or 0
    agreement.version = last + 1
    agreement.save(force_insert=True)
    return agreement


def hold() -> None:
    """In a transaction, whoever else publishes waits until it ends. On SQLite every writer does anyway."""
    if connection.in_atomic_block and connection.features.has_select_for_update:
        kind = ContentType.objects.get_for_model(Agreement)  # a row that is there before the first version is
        list(ContentType.objects.filter(pk=kind.pk).select_for_update(no_key=True).values_list("pk"))


def is_same(text: str) -> bool:
    latest = current()
    return latest is not None and tidied(latest.text) == tidied(text)


def tidied(text: str) -> str:
    """Browsers end lines in their own way."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


# ---- as a page -------------------------------------------------------------------------------------------------------


def as_html(text: str) -> SafeString:
    """Paragraphs; a line that begins with “# ” is a heading, one with “- ” a point of a list."""
    blocks: list[tuple[str, list[str]]] = []
    for line in tidied(text).split("\n"):
        kind, words = _kind_of(line)
        if kind == "" or kind == "h" or not blocks or blocks[-1][0] != kind:
            blocks.append((kind, []))
        blocks[-1][1].append(words)
    return format_html_join("\n", "{}", ((_block(kind, lines),) for kind, lines in blocks if kind))


def _kind_of(line: str) -> tuple[str, str]:
    for mark, kind in (("# ", "h"), ("- ", "li")):
        if line.startswith(mark):
            return kind, line[len(mark) :].strip()
    return ("p" if line.strip() else ""), line.strip()


def _block(kind: str, lines: list[str]) -> Any:
    if kind == "h":
        return format_html("<h2>{}</h2>", lines[0])
    if kind == "li":
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((line,) for line in lines)))
    return format_html("<p>{}</p>", format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines)))


# ---- to begin with ---------------------------------------------------------------------------------------------------


def starter_text() -> str:
    """In the lab's language, with gaps in brackets that only the lab can fill in."""
    with override(settings.LANGUAGE_CODE):
        days, card_days = settings.RETENTION_DAYS, settings.UNKNOWN_CARD_RETENTION_DAYS
        kept = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
        cards_kept = ngettext("%(count)d day", "%(count)d days", card_days) % {"count": card_days}
        return "\n\n".join((*_who_and_what(), *_how_long(kept, cards_kept), *_rights()))


def gaps(text: str) -> list[str]:
    """What of it only the lab can say, and has not yet."""
    return [gap for gap in _GAP.findall(starter_text()) if gap in text]


def _who_and_what() -> tuple[str, ...]:
    return (
        "# " + _("Who we are"),
        _("[Name of the lab, address, e-mail, who is responsible for data protection]"),
        "# " + _("What we store about you"),
        _points(
            _("your name, your e-mail address and your language"),
            _("the numbers of your cards"),
            _("which machines you may use, until when, and who said so"),
            _("when you used which machine and for how long, also when a machine refused your card"),
            _("what maintenance you did"),
            _("when you agreed to this text, and to which version of it"),
            _("[anything else, for example notes of the staff]"),
        ),
        "# " + _("What for"),
        _("So that only people who know a machine use it, and so that machines are looked after in time."),
    )


def _how_long(kept: str, cards_kept: str) -> tuple[str, ...]:
    return (
        "# " + _("How long"),
        _points(
            _("Your name is taken off uses, refusals and maintenance after %(kept)s; only hours and counts stay.")
            % {"kept": kept},
            _("Taps of cards that nobody here knows are deleted after %(kept)s.") % {"kept": cards_kept},
            _("Who left the lab is deleted %(kept)s afterwards.") % {"kept": kept},
            _("Backup copies are kept for up to a year; [where they are]."),
        ),
        "# " + _("Who sees it"),
        _("The staff of the lab. [Who that is.] On the screens in the lab: [nothing, first names, whole names].")
        + " "
        + _("We give it to nobody else."),
    )


def _rights() -> tuple[str, ...]:
    return (
        "# " + _("Your rights"),
        _("You may ask at any time what is stored about you and get a copy, have it corrected, and have it deleted.")
        + " "
        + _("You may complain to [the data protection authority]."),
        "# " + _("If you change your mind"),
        _("You may withdraw your consent at any time: tell the staff or write to [e-mail].")
        + " "
        + _("Without it you cannot use the machines with a card; what was stored before was stored rightly."),
    )


def _points(*sentences: str) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
