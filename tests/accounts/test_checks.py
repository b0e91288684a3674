"""What would make tokens unsafe stops every command, with the remedy."""

from datetime import timedelta

import pytest
from django.conf import settings as current
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

BLACKLIST = "rest_framework_simplejwt.token_blacklist"


def errors() -> dict[str | None, str | None]:
    return {one.id: one.hint for one in run_checks() if one.is_serious()}


def test_as_it_is_shipped_nothing_is_wrong() -> None:
    call_command("check", fail_level="WARNING")


def test_without_the_blacklist_no_command_runs(settings: Settings) -> None:
    settings.INSTALLED_APPS = [name for name in current.INSTALLED_APPS if name != BLACKLIST]
    with pytest.raises(SystemCheckError, match=r"INSTALLED_APPS and run `manage\.py migrate`"):
        call_command("check")


@pytest.mark.parametrize("other", ["SECRET_KEY", "API_KEY_PEPPER"])
def test_tokens_need_a_key_of_their_own(settings: Settings, other: str) -> None:
    settings.JWT_SIGNING_KEY = getattr(settings, other)
    assert "openssl rand -hex 32" in str(errors()["accounts.E002"])


def test_an_access_token_may_not_outlive_its_refresh_token(settings: Settings) -> None:
    days = {"ACCESS_TOKEN_LIFETIME": timedelta(days=1), "REFRESH_TOKEN_LIFETIME": timedelta(days=1)}
    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, **days}
    assert "JWT_ACCESS_MINUTES" in str(errors()["accounts.E003"])


def test_a_cache_that_processes_do_not_share_is_refused(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert "django_ratelimit.E003" in errors()
