"""Where attempts cannot be counted, none is let through."""

from typing import Any

import pytest
from django.test import Client

from tests.accounts.signed_in import PASSWORD, TOKEN, post, signer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store_away")]


def assert_unavailable(answer: Any) -> None:
    assert answer.status_code == 503
    assert answer["Retry-After"] == "2"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "limits_unavailable"


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_nobody_gets_a_token(password: str) -> None:
    signer()
    assert_unavailable(post(TOKEN, username="ada", password=password))


@pytest.mark.parametrize("action", ["refresh", "verify", "blacklist"])
def test_no_token_is_renewed_or_told_about(action: str) -> None:
    assert_unavailable(post(f"{TOKEN}/{action}", token="eyJ.e30.", refresh="eyJ.e30."))


def test_nobody_signs_in_to_the_admin() -> None:
    signer(is_staff=True)
    client = Client()
    assert_unavailable(client.post("/admin/login/", {"username": "ada", "password": PASSWORD}))
    assert client.get("/admin/").status_code == 302


def test_health_is_told_all_the_same() -> None:
    assert Client().get("/health/live").status_code == 200
