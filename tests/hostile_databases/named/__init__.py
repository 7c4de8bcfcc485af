"""Mutations chosen by hand, by a name that says what is wrong with the data: each was a fault once, or is the like of one."""

from . import access, raw, running, schemas
from .builders import NAMED

__all__ = ["NAMED", "access", "raw", "running", "schemas"]
