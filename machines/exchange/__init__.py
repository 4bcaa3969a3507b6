"""Machines and what belongs to them as files, and rights and uses from files."""

from machines.exchange import tables

__all__ = ["tables"]
