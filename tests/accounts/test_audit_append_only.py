"""The database itself refuses to change or delete what the audit trail holds."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEvent, User
from tests.deploy.postgres_server import postgres_server
from tests.live_web import REPOSITORY
from tests.people import person

TABLE = "accounts_auditevent"
REFUSED = "Audit events are added and read, never changed or deleted"
STATEMENTS = [
    f"UPDATE {TABLE} SET actor = 'somebody else'",
    f"UPDATE {TABLE} SET action = action WHERE id = (SELECT min(id) FROM {TABLE})",
    f"DELETE FROM {TABLE}",
    f"DELETE FROM {TABLE} WHERE id = (SELECT max(id) FROM {TABLE})",
]
SQLITE_STATEMENTS = [
    *STATEMENTS,
    f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE}",
    f"UPDATE OR REPLACE {TABLE} SET id = id + 1",
]
POSTGRES_STATEMENTS = [
    *STATEMENTS,
    f"TRUNCATE {TABLE}",
    f"TRUNCATE {TABLE}, accounts_user CASCADE",
    f"INSERT INTO {TABLE} SELECT * FROM {TABLE} ON CONFLICT (id) DO UPDATE SET actor = 'x'",
]


@pytest.mark.django_db
@pytest.mark.parametrize("statement", SQLITE_STATEMENTS)
def test_sqlite_refuses(statement: str) -> None:
    person()
    before = list(AuditEvent.objects.values())
    with (
        pytest.raises(IntegrityError, match=REFUSED),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert list(AuditEvent.objects.values()) == before != []


@pytest.mark.django_db
def test_django_is_refused_too() -> None:
    person()
    for write in (
        lambda: AuditEvent.objects.all().delete(),
        lambda: AuditEvent.objects.update(actor="somebody else"),
        lambda: AuditEvent.objects.bulk_update(_renamed(), ["actor"]),
    ):
        with pytest.raises(IntegrityError, match=REFUSED), transaction.atomic():
            write()
    with pytest.raises(TypeError):
        AuditEvent.objects.get().delete()
    with pytest.raises(TypeError):
        AuditEvent.objects.get().save()


def _renamed() -> list[AuditEvent]:
    event = AuditEvent.objects.get()
    event.actor = "somebody else"
    return [event]


class TestFlush:
    @pytest.mark.django_db(transaction=True)
    def test_an_operator_may_still_empty_the_whole_database(self) -> None:
        person()
        call_command("flush", interactive=False, verbosity=0)
        assert not AuditEvent.objects.exists()
        assert not User.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_afterwards_the_trail_is_guarded_again(self) -> None:
        call_command("flush", interactive=False, verbosity=0)
        person()
        with pytest.raises(IntegrityError, match=REFUSED):
            AuditEvent.objects.all().delete()

    @pytest.mark.django_db
    def test_who_does_not_type_yes_keeps_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        person()
        monkeypatch.setattr("builtins.input", lambda question: "no")
        with pytest.raises(CommandError, match="Nothing was deleted"):
            call_command("flush")
        assert AuditEvent.objects.exists()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a migrated PostgreSQL with one user in it."""
    with postgres_server("secret-of-the-test") as url:
        _manage(url, "migrate", "--verbosity", "0")
        _manage(url, "createsuperuser", "--noinput", "--username", "root", "--email", "r@x.io")
        yield url


def _manage(url: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "aiplatform.settings"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


class TestPostgreSQL:
    @pytest.mark.parametrize("statement", POSTGRES_STATEMENTS)
    def test_it_refuses(self, postgres: str, statement: str) -> None:
        import psycopg

        with psycopg.connect(postgres) as database:
            before = database.execute(f"SELECT * FROM {TABLE}").fetchall()
            with pytest.raises(psycopg.IntegrityError, match=REFUSED), database.transaction():
                database.execute(statement)
            assert database.execute(f"SELECT * FROM {TABLE}").fetchall() == before != []

    def test_the_whole_database_may_be_emptied_and_is_guarded_again(self, postgres: str) -> None:
        import psycopg

        _manage(postgres, "flush", "--noinput", "--verbosity", "0")
        with psycopg.connect(postgres, autocommit=True) as database:
            assert database.execute(f"SELECT count(*) FROM {TABLE}").fetchone() == (0,)
            with pytest.raises(psycopg.IntegrityError, match=REFUSED):
                database.execute(f"DELETE FROM {TABLE}")
