from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.uids import is_reader_uid, normalise_uid


def validate_reader_uid(uid: str) -> None:
    if not is_reader_uid(normalise_uid(uid)):
        raise ValidationError(
            _("A card number is 8 hexadecimal digits, like 0a1b2c3d or 0A:1B:2C:3D."), code="invalid_uid"
        )


class CardUidFormField(forms.CharField):
    """In another notation it is the same number: nothing has changed then."""

    def to_python(self, value: Any) -> str:
        return normalise_uid(super().to_python(value) or "")


class CardUidField(models.CharField):
    """Normalises on the way in, so that a lookup finds a card in any notation."""

    default_validators = [validate_reader_uid]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Wider than the readers' 8 digits: older databases hold other lengths.
        kwargs.setdefault("max_length", 40)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return normalise_uid(value) if isinstance(value, str) else value

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"form_class": CardUidFormField, **kwargs})

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return normalise_uid(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value
