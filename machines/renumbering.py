"""Gives a machine another number, with everything that refers to it, in one transaction.

Foreign keys are checked when it ends, on SQLite and on PostgreSQL, so the order of the updates is free.
"""

from __future__ import annotations

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Field, Model
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from machines.models import MAX_MACHINE_ID, Machine, Use
from members.changes import note, value
from members.models import Change

NUMBER_OF_RESET_BOARDS = 1
RESET_BOARDS = _("A board that was reset calls itself machine 1 and would be let in by this machine's rights.")


def renumber(old: int, new: int, *, by: int | None = None) -> Machine:
    """`by` is the member who does it. Raises ValidationError, and then nothing has changed."""
    Machine._meta.get_field("id").clean(new, None)
    try:
        with transaction.atomic():
            _check(old, new)
            Machine.objects.filter(pk=old).update(id=new)
            for model, field in references():
                model._base_manager.filter(**{field.name: old}).update(**{field.name: new})
            _move_changes(old, new)
            return _told(Machine.objects.get(pk=new), old, by)
    except IntegrityError:  # another machine got this number between our look and our update
        raise taken(Machine.objects.filter(pk=new).first()) from None


def references() -> list[tuple[type[Model], Field[Any, Any]]]:
    """Every model that refers to machines, with the field that does; also those that machines know nothing of."""
    relations: list[Any] = Machine._meta.get_fields(include_hidden=True)
    to_us = [item for item in relations if item.auto_created and not item.concrete]
    return [(item.related_model, item.field) for item in to_us if item.one_to_many or item.one_to_one]


def what_moves(machine_id: int) -> list[tuple[str, int]]:
    counts = [
        (str(model._meta.verbose_name_plural), model._base_manager.filter(**{field.name: machine_id}).count())
        for model, field in references()
    ]
    counts.append((str(Change._meta.verbose_name_plural), _own_changes(machine_id).count()))
    return [(name, count) for name, count in counts if count]


def lowest_free_number() -> int:
    """From 2 on: 1 is what boards that were reset call themselves."""
    in_use = set(Machine.objects.order_by().values_list("pk", flat=True))
    free = (number for number in range(NUMBER_OF_RESET_BOARDS + 1, MAX_MACHINE_ID + 1) if number not in in_use)
    return next(free, NUMBER_OF_RESET_BOARDS)


def taken(machine: Machine | None) -> ValidationError:
    text = _("This number belongs to %(machine)s.") if machine else _("This number is taken.")
    return ValidationError(text, code="taken", params={"machine": machine})


def is_running(machine_id: int) -> bool:
    return Use.objects.filter(machine_id=machine_id, ended_at__isnull=True).exists()


def _check(old: int, new: int) -> None:
    """The machine's row first, as the worker locks it: what boards report waits until it is done."""
    if not list(Machine.objects.select_for_update().filter(pk=old).values_list("pk")):
        raise ValidationError(_("This machine does not exist any more."), code="gone")
    if (other := Machine.objects.filter(pk=new).first()) is not None:
        raise taken(other)
    if is_running(old):
        raise ValidationError(
            _("The machine is in use: its board would report the end under the old number, and the hours be lost."),
            code="running",
        )


def _own_changes(machine_id: int) -> Any:
    """Since a machine of this number was last deleted: what is older is about that one."""
    content_type = ContentType.objects.get_for_model(Machine)
    changes = Change.objects.filter(content_type=content_type, object_id=str(machine_id)).order_by()
    deleted = changes.filter(kind=Change.Kind.DELETED).order_by("-pk").values_list("pk", flat=True).first()
    return changes.filter(pk__gt=deleted or 0)


def _move_changes(old: int, new: int) -> None:
    _own_changes(old).update(object_id=str(new))


def _told(machine: Machine, old: int, by: int | None) -> Machine:
    with override(None):
        values = [value(str(Machine._meta.get_field("id").verbose_name), old, machine.pk)]
    note(by, machine, Change.Kind.CHANGED, [{"did": "changed", "values": values}])
    # An update tells nobody; whoever hears of saved machines has to hear of this, too.
    post_save.send(
        sender=Machine, instance=machine, created=False, raw=False, using=machine._state.db, update_fields={"id"}
    )
    return machine
