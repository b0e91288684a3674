"""`manage.py createkey` prints a key and nothing else, or says what is wrong."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.selectors import principal_of_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


def _createkey(*arguments: str) -> str:
    out = StringIO()
    call_command("createkey", *arguments, stdout=out)
    return out.getvalue()


def test_the_key_alone_is_printed_and_it_works(alice: User) -> None:
    printed = _createkey("alice")
    assert printed.count("\n") == 1
    assert principal_of_key(printed.strip()).user_id == alice.id


def test_every_option_is_kept(alice: User) -> None:
    printed = _createkey(
        *("alice", "--name", "ci", "--scope", "generate", "--scope", "models:read"),
        *("--model", "a-model", "--model", "b.model", "--expires", "30d", "--no-bodies"),
        *("--network", "10.0.0.5/8", "--network", "2001:db8::1"),
    )
    principal = principal_of_key(printed.strip())
    assert principal.scopes == {"generate", "models:read"}
    assert principal.allowed_models == {"a-model", "b.model"}
    assert [str(one) for one in principal.allowed_networks] == ["10.0.0.0/8", "2001:db8::1/128"]
    assert not principal.store_bodies
    key = ApiKey.objects.get()
    assert key.name == "ci"
    assert key.expires_at is not None
    remaining = key.expires_at - timezone.now()
    assert timedelta(days=29, hours=23) < remaining <= timedelta(days=30)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nobody"], "No user 'nobody'"),
        (["alice", "--scope", "everything"], "unknown scope 'everything'"),
        (["alice", "--model", "No Such"], "--model 'No Such'"),
        (["alice", "--network", "localhost"], "--network 'localhost': expected a network"),
        (["alice", "--expires", "soon"], "30d"),
        (["alice", "--expires", "0d"], "30d"),
        (["alice", "--expires", "99999w"], "up to 36500d"),
        (["alice", "--name", "x" * 101], "--name has 101 characters; 100"),
    ],
)
def test_a_bad_argument_is_named_and_no_key_is_made(
    alice: User, arguments: list[str], words: str
) -> None:
    with pytest.raises(CommandError, match=words.replace("(", r"\(")) as refused:
        _createkey(*arguments)
    assert refused.value.returncode == 1
    assert not ApiKey.objects.exists()


def test_a_deactivated_user_gets_no_key(alice: User) -> None:
    alice.is_active = False
    alice.save()
    with pytest.raises(CommandError, match="deactivated"):
        _createkey("alice")
