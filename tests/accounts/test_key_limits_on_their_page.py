"""A key's own limits, made, changed and taken away by its owner on the key's page."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.key_settings import MAX_LIMITS
from accounts.models import ApiKey, AuditEvent, Limit, User
from accounts.services.limits import Counter, limit_set
from tests.people import key_of, person, row_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("store")]
TOKENS = {"amount": "1000", "resource": "tokens", "window": "day", "per": "key", "model_name": ""}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def key_with(user: User, **amounts: int) -> ApiKey:
    """Return a key with a limit a day on each resource."""
    limits = [
        Limit(per="key", resource=resource, window="day", amount=Decimal(amount))
        for resource, amount in amounts.items()
    ]
    return row_of(key_of(user, limits=limits))


def sent(client: Client, address: str, *rows: dict[str, Any], **further: str) -> Any:
    """Send the form at `address` as it is shown, with `rows` in the place of its limits."""
    page = client.get(address).content.decode()
    shown = dict(re.findall(r'name="(limits_as_read|limits-[A-Z_]+)" value="([^"]*)"', page))
    fields = {
        f"limits-{index}-{name}": value
        for index, row in enumerate(rows)
        for name, value in row.items()
    }
    whole = {"name": "its name", "expires": "90", "scopes": ["generate"], **shown, **fields}
    whole["limits-TOTAL_FORMS"] = str(len(rows))
    return client.post(address, {**whole, **further})


def limits(key: ApiKey) -> dict[tuple[str, str], Decimal]:
    return {(one.resource, one.window): one.amount for one in Limit.objects.filter(api_key=key)}


def test_a_key_is_made_with_limits() -> None:
    ada = person("ada")
    fixed = {**TOKENS, "resource": "requests", "window": "minute", "amount": "0"}
    answer = sent(signed_in(ada), "/account/keys/new", TOKENS, fixed)
    assert answer.status_code == 200
    key = ApiKey.objects.get(user=ada)
    assert limits(key) == {("tokens", "day"): 1000, ("requests", "minute"): 0}


def test_a_limit_is_changed_another_added_and_a_third_taken_away() -> None:
    ada = person("ada")
    key = key_with(ada, requests=5, tokens=7)
    page = f"/account/keys/{key.id}"
    requests = {**TOKENS, "resource": "requests", "amount": "6"}
    gone = {**TOKENS, "amount": "7", "DELETE": "on"}
    new = {**TOKENS, "resource": "concurrency", "window": "now", "amount": "2"}
    answer = sent(signed_in(ada), page, requests, gone, new, expires="unchanged")
    assert answer.status_code == 302
    assert limits(key) == {("requests", "day"): 6, ("concurrency", "now"): 2}
    told = AuditEvent.objects.filter(action__startswith="limit.").values_list("action", flat=True)
    assert {"limit.created", "limit.changed", "limit.deleted"} <= set(told)


def test_settings_alone_leave_the_limits_and_their_ids_alone() -> None:
    ada = person("ada")
    key = key_with(ada, tokens=7)
    before = list(Limit.objects.filter(api_key=key).values())
    row = {**TOKENS, "amount": "7"}
    nothing = {**TOKENS, "amount": ""}
    answer = sent(signed_in(ada), f"/account/keys/{key.id}", row, nothing, expires="unchanged")
    assert answer.status_code == 302
    assert list(Limit.objects.filter(api_key=key).values()) == before


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "1.5"}, "only cost has fractions"),
        ({"amount": "1e13"}, "less than or equal to 1000000000000"),
        ({"amount": "2000000", "resource": "cost"}, "1000000 is the most for a cost"),
        ({"amount": "NaN"}, "Enter a number"),
        ({"resource": "concurrency"}, "Concurrency is counted now"),
        ({"resource": "souls"}, "souls is not one of the available choices"),
        ({"per": "user"}, "user is not one of the available choices"),
        ({"model_name": "No Model!"}, "a model&#x27;s name has lower-case letters"),
        ({"amount": "", "model_name": "tiny"}, "This field is required"),
    ],
)
def test_what_is_wrong_with_a_limit_is_told_and_nothing_is_saved(
    row: dict[str, str], told: str
) -> None:
    ada = person("ada")
    answer = sent(signed_in(ada), "/account/keys/new", {**TOKENS, **row})
    assert answer.status_code == 400
    assert told in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_two_limits_on_the_same_are_refused() -> None:
    answer = sent(signed_in(person("ada")), "/account/keys/new", TOKENS, {**TOKENS, "amount": "2"})
    assert answer.status_code == 400
    assert "Another limit above counts the same" in answer.content.decode()


def test_nobody_gives_a_key_more_than_they_have_and_the_row_says_so() -> None:
    ada = person("ada")
    limit_set(owner=ada, counter=Counter("tokens", "day", "key"), amount=Decimal(500))
    fine = {**TOKENS, "resource": "requests"}
    answer = sent(signed_in(ada), "/account/keys/new", fine, TOKENS)
    assert answer.status_code == 400
    assert "user allows 500 tokens a day" in answer.content.decode()
    assert 'id="id_limits-1-amount_error"' in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_limits_that_somebody_else_changed_meanwhile_are_not_written_over() -> None:
    ada = person("ada")
    key = key_with(ada, tokens=7)
    client = signed_in(ada)
    page = f"/account/keys/{key.id}"
    row = {**TOKENS, "amount": "9"}
    stale = re.search(r'name="limits_as_read" value="([^"]*)"', client.get(page).content.decode())
    assert stale
    limit_set(owner=key, counter=Counter("tokens", "day", "key"), amount=Decimal(3))
    answer = sent(client, page, row, expires="unchanged", limits_as_read=stale[1])
    assert answer.status_code == 400
    assert "Somebody else changed the limits" in answer.content.decode()
    assert limits(key) == {("tokens", "day"): 3}


def test_forms_that_claim_what_is_not_there_save_nothing() -> None:
    ada = person("ada")
    key = key_with(ada, tokens=7)
    client = signed_in(ada)
    page = f"/account/keys/{key.id}"
    for claimed in ({"limits-TOTAL_FORMS": "1000000"}, {"limits-TOTAL_FORMS": "x"}):
        assert sent(client, page, TOKENS, expires="unchanged", **claimed).status_code == 400
    bare = {"expires": "unchanged", "name": "renamed"}
    assert client.post(page, bare).status_code == 400
    many = [{**TOKENS, "model_name": f"m{number}"} for number in range(MAX_LIMITS + 1)]
    assert sent(client, page, *many, expires="unchanged").status_code == 400
    assert limits(key) == {("tokens", "day"): 7}


def test_a_strangers_form_changes_no_limit() -> None:
    key = key_with(person("ada"), tokens=7)
    answer = signed_in(person("eve")).post(f"/account/keys/{key.id}", {"limits-TOTAL_FORMS": "0"})
    assert answer.status_code == 404
    assert limits(key) == {("tokens", "day"): 7}
