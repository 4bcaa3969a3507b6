"""Machines and what belongs to them in the admin, a file per subject."""

from machines import exchange
from machines.admin import authorizations, machines, maintenance, types, uses

__all__ = ["authorizations", "exchange", "machines", "maintenance", "types", "uses"]
