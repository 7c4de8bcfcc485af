"""Superusers and settings that keep everybody out, or that cannot be read."""

from .builders import NAMED, named, setting, sql, superusers

sql("no collection of superusers", "DELETE FROM _collections WHERE name = '_superusers'")
sql("no table of superusers", "DROP TABLE _superusers")
sql(
    "neither collection nor table of superusers",
    "DELETE FROM _collections WHERE name = '_superusers'",
    "DROP TABLE _superusers",
)
sql("no superuser", "DELETE FROM _superusers")
sql("superusers of type base", "UPDATE _collections SET type = 'base' WHERE name = '_superusers'")
sql("superusers of type view", "UPDATE _collections SET type = 'view' WHERE name = '_superusers'")
sql("superusers called in capitals", "UPDATE _collections SET name = '_SUPERUSERS' WHERE name = '_superusers'")
sql("superusers that are no system collection", "UPDATE _collections SET system = 0 WHERE name = '_superusers'")
sql("superusers without options", "UPDATE _collections SET options = '{}' WHERE name = '_superusers'")
sql("superusers without fields", "UPDATE _collections SET fields = '[]' WHERE name = '_superusers'")
sql(
    "superusers without indexes",
    "UPDATE _collections SET indexes = '[]' WHERE name = '_superusers'",
    "DROP INDEX idx_email_pbc_3142635823",
    "DROP INDEX idx_tokenKey_pbc_3142635823",
)
sql("superusers without a password column", "ALTER TABLE _superusers DROP COLUMN password")
sql("superusers without a token key", "UPDATE _superusers SET tokenKey = ''")
sql("superusers whose passwords are no hashes", "UPDATE _superusers SET password = 'plain'")
sql("superusers whose emails are bytes", "UPDATE _superusers SET email = x'ff00'")
sql(
    "superusers that are a view",
    "ALTER TABLE _superusers RENAME TO kept",
    "CREATE VIEW _superusers AS SELECT * FROM kept",
)
superusers("password logins of superusers switched off", passwordAuth={"enabled": False})
superusers("superusers who log in with nothing", passwordAuth={"identityFields": []})
superusers("superusers who log in with a field that is not there", passwordAuth={"identityFields": ["nowhere"]})
superusers("an authRule of superusers that is null", authRule=None)
superusers("an authRule of superusers that is never true", authRule="id = 'nobody'")
superusers("an authRule of superusers that is no filter", authRule="(((")
superusers("superusers who need a second factor", mfa={"enabled": True}, otp={"enabled": True})
superusers("tokens of superusers without a secret", authToken={"secret": ""})
superusers("tokens of superusers that are over at once", authToken={"duration": 0})
superusers("tokens of superusers that last for ever", authToken={"duration": 2**63 - 1})
superusers("an option of superusers of another type", emailChangeToken="x", otp=False)
NAMED["superusers without an authRule"] = lambda archive: archive.options(
    "_superusers", lambda options: options.pop("authRule")
)
NAMED["superusers without the option of their tokens"] = lambda archive: archive.options(
    "_superusers", lambda options: options.pop("authToken")
)
sql(
    "logins that a check forbids to be written down",
    "DELETE FROM _authOrigins",
    "ALTER TABLE _authOrigins ADD COLUMN more TEXT CHECK (collectionRef = '')",
)
sql("logins that refer to nowhere", "ALTER TABLE _authOrigins ADD COLUMN more TEXT REFERENCES nowhere (id)")

setting("superuserIPs that let nobody in", superuserIPs=["203.0.113.9"])
setting("superuserIPs that are no addresses", superuserIPs=["x", "", "1.2.3.4/99"])
setting("superuserIPs of another type", superuserIPs={"a": 1})
setting(
    "rate limits that let nothing through",
    rateLimits={"enabled": True, "rules": [{"label": "*:auth", "audience": "", "duration": 86400, "maxRequests": 0}]},
)
setting("rate limits of another type", rateLimits={"enabled": True, "rules": "x"})
setting(
    "rate limits without end",
    rateLimits={
        "enabled": True,
        "rules": [{"label": "/", "audience": "", "duration": 2**62, "maxRequests": 2**62}] * 500,
    },
)
setting(
    "files in a bucket that is not there",
    s3={
        "enabled": True,
        "endpoint": "http://127.0.0.1:1",
        "bucket": "b",
        "region": "r",
        "accessKey": "a",
        "secret": "s",
    },
)
setting("files in a bucket without a name", s3={"enabled": True})
setting(
    "backups in a bucket that is not there",
    backups={
        "s3": {
            "enabled": True,
            "endpoint": "http://127.0.0.1:1",
            "bucket": "b",
            "region": "r",
            "accessKey": "a",
            "secret": "s",
        }
    },
)
setting("a schedule that is none", backups={"cron": "not a cron", "cronMaxKeep": -5})
setting("backups of another type", backups=[])
setting("a mail server that is not there", smtp={"enabled": True, "host": "127.0.0.1", "port": 1})
setting("a mail server at a port that is none", smtp={"enabled": True, "host": "\r\nx", "port": 99999999})
setting("logs without limits", logs={"maxDays": 2**62, "minLevel": -(2**62), "logIP": True})
setting("proxies of another type", trustedProxy={"headers": "x", "useLeftmostIP": 3})
sql("settings that are no JSON", "UPDATE _params SET value = '{\"meta\":' WHERE id = 'settings'")
sql("settings that are a list", "UPDATE _params SET value = '[]' WHERE id = 'settings'")
sql("settings that are null", "UPDATE _params SET value = NULL WHERE id = 'settings'")
sql("settings that are bytes", "UPDATE _params SET value = x'fffe00' WHERE id = 'settings'")
sql(
    "settings that were encrypted",
    "UPDATE _params SET value = '\"" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 4 + "\"' WHERE id = 'settings'",
)
sql("no settings", "DELETE FROM _params")
sql("no table of settings", "DROP TABLE _params")


@named
def settings_nested_without_end(archive):
    archive.set("_params", "settings", "value", "[" * 100_000 + "]" * 100_000)
