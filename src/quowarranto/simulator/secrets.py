"""Secrets as careless systems log them: planted in raw lines so that a test can look for them everywhere else.

They open nothing. They are put together from pieces, so that secret scanners need not be told about this file.
"""

from __future__ import annotations

AWS_SECRET_KEY = "kT7vQz" + "2mXr9LsW4cYh8NbJp1DgFa6ReUoZi3Ktbx"
AWS_SESSION_TOKEN = "FwoGZXIvYXdz" + "EBYaDPlantedSessionTokenq8Jx2Vn5Rt7Lw0Ks4Mz"
BEARER = "eyJhbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJwbGFudGVkLWJlYXJlciJ9." + "c2ltdWxhdGVkLXNpZ25hdHVyZS1RdW8"
DATABASE_PASSWORD = "p1anted" + "-Str0ng-Passw0rd"
PRIVATE_KEY_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" + "PlantedPrivateKeyBodyQuoWarranto"
VAULT_TOKEN = "hvs." + "CAESIPlantedTokenOfTheSimulator0123456789abcdefGh4KHGh2cy5"

PRIVATE_KEY = f"-----BEGIN PRIVATE {'KEY-----'}\n{PRIVATE_KEY_BODY}\n-----END PRIVATE {'KEY-----'}\n"
CONNECTION = f"Server=db.orders.internal;User Id=migrator;Password={DATABASE_PASSWORD};"
DSN = f"postgres://migrator:{DATABASE_PASSWORD}@db.orders.internal:5432/orders"

PLANTED_SECRETS: tuple[str, ...] = (
    AWS_SECRET_KEY,
    AWS_SESSION_TOKEN,
    BEARER,
    DATABASE_PASSWORD,
    PRIVATE_KEY_BODY,
    VAULT_TOKEN,
)
