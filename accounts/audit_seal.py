"""What makes the audit trail append-only: triggers with which the database itself refuses.

They hold whatever program is connected. Only who may change the schema can take them off.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction

_TABLE: Final = "accounts_auditevent"
_MESSAGE: Final = "Audit events are added and read, never changed or deleted."


def _sqlite(name: str, when: str) -> str:
    # ABORT undoes the statement and reads as an integrity error.
    body = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    return f"CREATE TRIGGER {_TABLE}_{name} BEFORE {when} {body}"


_SEAL: Final = {
    "sqlite": [
        _sqlite("update", f"UPDATE ON {_TABLE}"),
        _sqlite("delete", f"DELETE ON {_TABLE}"),
        # INSERT OR REPLACE deletes a row without a word to the trigger on deletes.
        _sqlite(
            "replace",
            f"INSERT ON {_TABLE} WHEN EXISTS (SELECT 1 FROM {_TABLE} WHERE id = NEW.id)",  # noqa: S608
        ),
    ],
    "postgresql": [
        f"""CREATE OR REPLACE FUNCTION {_TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$""",
        f"CREATE TRIGGER {_TABLE}_sealed BEFORE UPDATE OR DELETE OR TRUNCATE ON {_TABLE} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {_TABLE}_refuse()",
    ],
}
_UNSEAL: Final = {
    "sqlite": [f"DROP TRIGGER {_TABLE}_{name}" for name in ("update", "delete", "replace")],
    "postgresql": [f"DROP TRIGGER {_TABLE}_sealed ON {_TABLE}"],
}


def seal(database: Any = connection) -> None:
    """Put the triggers on. Raises KeyError for a database that has none written for it."""
    _run(database, _SEAL)


def unseal(database: Any = connection) -> None:
    """Take the triggers off."""
    _run(database, _UNSEAL)


@contextmanager
def unsealed() -> Iterator[None]:
    """Take the triggers off while the block runs, in one transaction: for others they stay on."""
    with transaction.atomic():
        unseal()
        yield
        seal()


def _run(database: Any, statements: dict[str, list[str]]) -> None:
    with database.cursor() as cursor:
        for statement in statements[database.vendor]:
            cursor.execute(statement)
