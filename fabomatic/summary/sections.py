"""The summary as one reader may know it: what they may list, in words, and in the language that is active.

The text and the page of the mail are drawn from the same sections.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabomatic.attention.box import Box, may_list, moment
from fabomatic.attention.people import ENROLS, ending_boxes
from fabomatic.summary.figures import Figures, Hours, UnknownCards
from machines.how_far import how_far
from members.mail import link_to
from telemetry.statistics.availability import Availability

MOST = 30
MOST_DOWN = 10
_WORTH_TELLING = timedelta(hours=1).total_seconds()
_READS = (
    "machines.use",
    "machines.machine",
    "machines.maintenanceplan",
    "machines.authorization",
    "members.member",
    "telemetry.tap",
)


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Line:
    """`name: detail (note)`; `url` is the name's."""

    name: str
    detail: str = ""
    note: str = ""
    url: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: tuple[Line, ...] = ()
    remarks: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def sections_for(reader: Any, figures: Figures) -> list[Section]:
    """First what happened, then what is to do. Those with nothing in them are left out."""
    return [
        *_happened(reader, figures),
        *_to_do(reader, figures),
        *(_ending(box) for box in ending_boxes(reader, figures.now, MOST) if box.count),
    ]


def may_read_any(reader: Any) -> bool:
    return any(may_list(reader, model) for model in _READS)


def may_read_all(reader: Any) -> bool:
    return all(may_list(reader, model) for model in _READS)


def _happened(reader: Any, figures: Figures) -> Iterator[Section]:
    if may_list(reader, "machines.use") and figures.hours.machines:
        yield _hours(figures, with_link=reader.has_perm("machines.view_use"))
    if may_list(reader, "telemetry.tap"):
        if figures.refusals.reasons:
            yield _refusals(figures)
        if figures.unknown.cards:
            yield _unknown(figures, with_link=reader.has_perms(ENROLS))
    if may_list(reader, "machines.machine"):
        yield from _down(figures)


def _to_do(reader: Any, figures: Figures) -> Iterator[Section]:
    sees_machines = may_list(reader, "machines.machine")
    sees_plans = may_list(reader, "machines.maintenanceplan")
    if (sees_machines or sees_plans) and figures.due:
        yield _due(figures, with_link=sees_plans)
    if sees_machines and (figures.silent or figures.all_silent_since):
        yield _silent(figures)


# ---- what happened ---------------------------------------------------------------------------------------------------


def _hours(figures: Figures, *, with_link: bool) -> Section:
    hours = figures.hours
    title = _("Hours per machine: %(hours)s together (%(difference)s)")
    total, before = hours.total
    links: tuple[Link, ...] = ()
    if with_link:
        links = (Link(_("Statistics"), f"{link_to('statistics')}?{figures.week.span.query}"),)
    return Section(
        title % {"hours": hours_in_words(total), "difference": difference(total, before)},
        tuple(_lines_of_hours(hours)),
        tuple(_remarks_of_hours(hours)),
        links,
    )


def _lines_of_hours(hours: Hours) -> Iterator[Line]:
    for machine, this, before in hours.machines[:MOST]:
        yield Line(str(machine), hours_in_words(this), difference(this, before))
    if others := hours.machines[MOST:]:
        name = ngettext("%(count)d other machine", "%(count)d other machines together", len(others))
        this, before = sum(row[1] for row in others), sum(row[2] for row in others)
        yield Line(name % {"count": len(others)}, hours_in_words(this), difference(this, before))
    if hours.unused:
        name = ngettext("%(count)d machine", "%(count)d machines", hours.unused) % {"count": hours.unused}
        yield Line(name, _("used in neither week"))


def _remarks_of_hours(hours: Hours) -> Iterator[str]:
    yield _("In brackets: the difference to the week before.")
    if hours.is_cut:
        yield _(
            "A use over the end of a week counts in both, with its part; in the statistics, in the one where it began."
        )


def _refusals(figures: Figures) -> Section:
    refused, taps = figures.refusals.refused, figures.refusals.taps
    title = ngettext("%(refused)s of %(count)s tap refused", "%(refused)s of %(count)s taps refused", taps)
    lines = tuple(Line(f"{_number(count)} × {reason}") for reason, count in figures.refusals.reasons)
    return Section(title % {"refused": _number(refused), "count": _number(taps)}, lines, _forgotten(figures))


def _unknown(figures: Figures, *, with_link: bool) -> Section:
    unknown: UnknownCards = figures.unknown
    title = ngettext("%(count)d unknown card tapped", "%(count)d unknown cards tapped", unknown.cards)
    lines = tuple(
        Line(str(machine), ngettext("%(count)d time", "%(count)d times", taps) % {"count": taps})
        for machine, taps in unknown.machines[:MOST]
    )
    days = settings.UNKNOWN_CARD_RETENTION_DAYS
    kept = ngettext(
        "Unknown cards are forgotten after %(count)d day.", "Unknown cards are forgotten after %(count)d days.", days
    )
    links = (Link(_("Enrol a card"), link_to("admin:telemetry_unknown_cards")),) if with_link else ()
    return Section(title % {"count": unknown.cards}, lines, (kept % {"count": days},), links)


def _forgotten(figures: Figures) -> tuple[str, ...]:
    """Of a week that is long ago."""
    days = settings.UNKNOWN_CARD_RETENTION_DAYS
    if figures.week.span.start >= figures.now - timedelta(days=days):
        return ()
    return (_("Taps of unknown cards of that time may have been deleted already."),)


def _down(figures: Figures) -> Iterator[Section]:
    down = [(machine, each) for machine, each in figures.down if each.blocked + each.offline >= _WORTH_TELLING]
    if down:
        lines = tuple(Line(str(machine), _down_in_words(each)) for machine, each in down[:MOST_DOWN])
        yield Section(_("Silent or blocked in that week"), lines, _more(len(down) - MOST_DOWN))


def _down_in_words(each: Availability) -> str:
    parts = []
    if each.offline:
        parts.append(_("silent for %(hours)s") % {"hours": hours_in_words(each.offline)})
    if each.blocked:
        parts.append(_("blocked for %(hours)s") % {"hours": hours_in_words(each.blocked)})
    return ", ".join(parts)


# ---- what is to do ---------------------------------------------------------------------------------------------------


def _due(figures: Figures, *, with_link: bool) -> Section:
    count = len(figures.due)
    lines = []
    for each in figures.due[:MOST]:
        links = [Link(_("Plan"), link_to("admin:machines_maintenanceplan_change", each.plan.id))] if with_link else []
        if each.instructions_url:
            links.append(Link(_("Instructions"), each.instructions_url))
        far = how_far(each.plan, each.seconds_used, figures.now)
        lines.append(Line(f"{each.machine}, {each.plan.description}", far, links=tuple(links)))
    return Section(_("Maintenance due: %(count)d") % {"count": count}, tuple(lines), _more(count - MOST))


def _silent(figures: Figures) -> Section:
    count = len(figures.silent)
    title = ngettext("%(count)d machine is silent", "%(count)d machines are silent", count) % {"count": count}
    lines = tuple(
        Line(
            str(machine),
            _("since %(since)s") % {"since": moment(since)} if since else _("never heard yet"),
            url=link_to("admin:machines_machine_change", machine.id),
        )
        for machine, since in figures.silent[:MOST]
    )
    every = Link(_("All of them"), f"{link_to('admin:machines_machine_changelist')}?silent=yes")
    links = (every,) if count > MOST else ()
    if figures.all_silent_since is None:
        return Section(title, lines, _more(count - MOST), links)
    return Section(
        _("All boards are silent"), lines, (*_more(count - MOST), *_all_silent(figures.all_silent_since, count)), links
    )


def _all_silent(since: datetime, count: int) -> Iterator[str]:
    if count:
        yield _("These had been silent for a day or longer when the others fell silent.")
    text = _("The last one was heard at %(since)s: the lab is switched off, or the broker or the worker is away.")
    yield text % {"since": moment(since)}


def _ending(box: Box) -> Section:
    lines = tuple(Line(line.name, line.detail, url=_from_path(line.url) if line.url else "") for line in box.lines)
    more = _more(box.count - len(lines)) if lines else ()
    return Section(box.title, lines, more, (Link(_("All of them"), _from_path(box.url)),))


# ---- words -----------------------------------------------------------------------------------------------------------


def hours_in_words(seconds: int) -> str:
    tenths = _tenths(seconds)
    if seconds and not tenths:
        return _("less than %(hours)s h") % {"hours": _in_hours(1)}
    return _("%(hours)s h") % {"hours": _in_hours(tenths)}


def difference(this: int, before: int) -> str:
    """Of what is shown, so that it adds up."""
    tenths = _tenths(this) - _tenths(before)
    if not tenths:
        return _("as before")
    return ("+" if tenths > 0 else "−") + _("%(hours)s h") % {"hours": _in_hours(abs(tenths))}


def _tenths(seconds: int) -> int:
    return (seconds + 180) // 360


def _in_hours(tenths: int) -> str:
    """Decimals of hundreds tell nobody anything."""
    decimals = 0 if tenths >= 1000 or tenths % 10 == 0 else 1
    return _number(tenths / 10, decimals)


def _number(value: float, decimals: int = 0) -> str:
    return number_format(value, decimals, force_grouping=True)


def _more(count: int) -> tuple[str, ...]:
    return (ngettext("and %(count)d more", "and %(count)d more", count) % {"count": count},) if count > 0 else ()


def _from_path(path: str) -> str:
    return f"{settings.SITE_URL}{path}"
