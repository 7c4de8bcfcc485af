"""One function for what each setting does; a file for each section.

Each is given a fresh server, a superuser's client and a mail server. It fails where the setting is stored, shown and not in force.
"""

from . import accounts, addresses, backups, batch, factors, logins, logs, mails

SECTIONS = (accounts, addresses, backups, batch, factors, logins, logs, mails)


def find(name):
    """The check of that name."""
    return next(getattr(section, name) for section in SECTIONS if hasattr(section, name))
