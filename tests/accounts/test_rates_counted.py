"""Attempts are counted exactly, by address and by name, and a refusal says truly how long."""

import threading
import time
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.rate_limits import attempt
from aiplatform.errors import ApiError

pytestmark = pytest.mark.usefixtures("store")
NEVER_OVER = "9999d"  # no window that ends while a test runs


@pytest.fixture(autouse=True)
def rates(settings: Settings) -> dict[str, list[str]]:
    """The rates of the group `sign_in`, to be changed by a test."""
    found = {"address": [f"3/{NEVER_OVER}"], "name": [f"2/{NEVER_OVER}"]}
    settings.RATES = {**settings.RATES, "sign_in": found}
    return found


def calling(address: str = "192.0.2.1", **headers: str) -> HttpRequest:
    return RequestFactory().post("/", REMOTE_ADDR=address, headers=headers)


def passes(address: str = "192.0.2.1", name: str = "", **headers: str) -> bool:
    try:
        attempt(calling(address, **headers), "sign_in", name)
    except ApiError as error:
        if error.status != 429:
            raise
        return False
    return True


def refusal(name: str = "") -> ApiError:
    for _ in range(20):
        try:
            attempt(calling(), "sign_in", name)
        except ApiError as error:
            return error
    pytest.fail("nothing was refused")


def test_as_many_pass_as_the_rate_says() -> None:
    assert [passes() for _ in range(5)] == [True, True, True, False, False]


def test_each_name_has_its_own_rate() -> None:
    assert [passes(f"192.0.2.{n}", "ada") for n in range(3)] == [True, True, False]
    assert passes("192.0.2.9", "eve")


def test_each_address_has_its_own_rate() -> None:
    assert [passes(name=f"n{n}") for n in range(4)] == [True, True, True, False]
    assert passes("192.0.2.2", "n9")


def test_each_group_has_its_own_rates(settings: Settings) -> None:
    refusal()
    attempt(calling(), "upload", "ada")


def test_who_uploads_a_folder_of_pictures_is_not_stopped_where_nobody_set_a_rate() -> None:
    for _ in range(200):
        attempt(calling(), "upload", "ada")


def test_a_refused_attempt_counts_for_nothing() -> None:
    assert [passes(name="ada") for _ in range(6)] == [True, True, *[False] * 4]
    assert passes(name="eve")  # the third of this address


def test_who_waits_as_told_gets_through(rates: dict[str, list[str]]) -> None:
    rates["address"] = ["2/2s"]
    told = refusal().retry_after
    assert told is not None
    assert 1 <= told <= 3
    time.sleep(told)  # what a client does that believes it
    assert passes()


def test_of_several_full_windows_the_longest_is_told(rates: dict[str, list[str]]) -> None:
    rates["address"] = ["1/s", f"1/{NEVER_OVER}", "1/m"]
    told = refusal().retry_after
    assert told is not None
    assert told > 60


def test_every_rate_of_a_list_holds(rates: dict[str, list[str]]) -> None:
    rates["address"] = [f"100/{NEVER_OVER}", f"2/{NEVER_OVER}"]
    assert [passes() for _ in range(3)] == [True, True, False]


def test_a_rate_of_nothing_lets_nobody_pass(rates: dict[str, list[str]]) -> None:
    rates["address"] = [f"0/{NEVER_OVER}"]
    assert not passes()


def test_of_many_at_once_exactly_as_many_pass(rates: dict[str, list[str]]) -> None:
    rates["address"] = [f"10/{NEVER_OVER}"]
    passed: list[bool] = []
    begin = threading.Barrier(30)

    def call() -> None:
        begin.wait()
        passed.append(passes())

    threads = [threading.Thread(target=call) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [False] * 20 + [True] * 10


@pytest.mark.parametrize("spelling", ["ADA", " ada ", "Ada", "\uff41da"])
def test_the_spelling_of_a_name_changes_nothing(spelling: str) -> None:
    assert [passes("192.0.2.2", "ada"), passes("192.0.2.3", "ada")] == [True, True]
    assert not passes("192.0.2.4", spelling)


def test_a_network_of_ipv6_is_one_caller() -> None:
    assert [passes(f"2001:db8::{n}") for n in range(1, 5)] == [True, True, True, False]
    assert passes("2001:db8:0:1::1")


def test_an_ipv4_address_is_the_same_written_as_ipv6() -> None:
    assert [passes("::ffff:192.0.2.1") for _ in range(3)] == [True, True, True]
    assert not passes("192.0.2.1")
    assert passes("::ffff:192.0.2.2")


def test_a_caller_does_not_choose_their_address() -> None:
    answers = [passes(**{"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(4)]
    assert answers == [True, True, True, False]


def test_behind_our_proxy_its_word_counts(settings: Settings) -> None:
    settings.TRUST_PROXY_HEADERS = True
    answers = [passes(**{"X-Forwarded-For": f"6.6.6.{n}, 198.51.100.1"}) for n in range(4)]
    assert answers == [True, True, True, False]


HOSTILE: dict[str, Any] = {
    "nul": "a\0",
    "half a surrogate": "\ud800",
    "a megabyte": "a" * 1_000_000,
    "a window of its own": "2/863913600s1",
    "blank": " ",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_is_counted_like_any(name: str) -> None:
    assert [passes(f"192.0.2.{n}", name) for n in range(3)] == [True, True, False]


@pytest.mark.parametrize("address", ["", "unix:", "1.2.3.4:80", "fe80::1%eth0"])
def test_an_address_of_another_form_is_counted_too(address: str) -> None:
    assert [passes(address) for _ in range(4)] == [True, True, True, False]
