"""Writes of users: strangers who make themselves an account."""

from django.db import IntegrityError, transaction

from accounts.models import User


class NameTaken(Exception):
    """Somebody has this user name, or one that differs in case alone."""


def user_sign_up(*, username: str, email: str, password: str) -> User:
    """Make a user without any rights, on the default plan. Raises NameTaken.

    The password must have been validated. Several users may give one e-mail address: to refuse it
    would tell strangers who has an account here.
    """
    user = User(
        username=User.normalize_username(username), email=User.objects.normalize_email(email)
    )
    user.set_password(password)  # before the transaction: hashing is slow on purpose
    if User.objects.filter(username__iexact=user.username).exists():
        raise NameTaken
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise NameTaken from error
    return user
