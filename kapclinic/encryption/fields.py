"""A text field that rests encrypted, and the index by which its keys are known."""

from typing import Any

from django.core import checks
from django.db import models
from django.db.models import F, Value

from kapclinic.encryption.ring import key_ring


class _Sealed:
    """Descriptor: decrypts on first reading, encrypts on setting, bound to the row's client-made key."""

    def __init__(self, field: "EncryptedTextField"):
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model] | None = None) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        stored = instance.__dict__[self.field.attname]
        if stored is None or stored == "":
            return stored
        return key_ring().decrypt(stored, bound_to=self.field.binding(instance))

    def __set__(self, instance: models.Model, value: str | None) -> None:
        if value is None or value == "":
            instance.__dict__[self.field.attname] = value
        elif value.__class__ is _Stored:
            instance.__dict__[self.field.attname] = str(value)
        else:
            instance.__dict__[self.field.attname] = key_ring().encrypt(
                value, bound_to=self.field.binding(instance)
            )


class _Stored(str):
    """Marks text that came from the database and is already sealed."""


class EncryptedTextField(models.TextField):
    """Text that rests encrypted. The model needs a primary key made before saving (a UUID), and a `key_index` of the field.

    `.values()`, `.update()` and look-ups see ciphertext: read and write through instances.
    """

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Sealed(self))

    def binding(self, instance: models.Model) -> str:
        """Name of the one place where this value is valid."""
        # The primary key stands first in every model's field order, so it is set before this field is.
        return f"{instance._meta.db_table}.{self.column}:{instance.pk}"

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        return None if value is None else _Stored(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        return model_instance.__dict__.get(self.attname)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name == "isnull":
            return super().get_lookup(lookup_name)
        return None

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Fail start-up for a field whose keys could not be listed quickly."""
        found: list[checks.CheckMessage] = super().check(**kwargs)
        wanted = KeyId(self.name)
        if not any(index.expressions[:1] == (wanted,) for index in self.model._meta.indexes):
            found.append(
                checks.Error(
                    f"{self} has no key_index among the model's indexes", obj=self, id="encryption.E001"
                )
            )
        return found


class KeyId(models.Func):
    """The id of the key that a stored value was encrypted with; "" for an empty value."""

    function = "split_part"
    output_field = models.CharField()

    def __init__(self, field: str):
        super().__init__(F(field), Value("."), Value(2))


def key_index(field: str, *, name: str) -> models.Index:
    """The index that every encrypted field needs: which keys are in use, and which rows use one, without reading them all."""
    return models.Index(KeyId(field), F("id"), name=name)
