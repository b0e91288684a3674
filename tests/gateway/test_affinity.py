"""A prompt goes where its beginning was read last, as long as that is not the busier place."""

from inference.gateway import affinity
from inference.gateway.affinity import PREFIX_TOKENS, pick
from inference.registry.directory import Replica

PROMPT = list(range(500))


def replica(name: str, running: int = 0, waiting: int = 0) -> Replica:
    return Replica(name, "model", "unix:/x", "ready", slots=8, running=running, waiting=waiting)


def test_the_next_turn_goes_where_the_last_one_went() -> None:
    assert pick("turn", PROMPT, [replica("a", 1), replica("b")]).id == "b"
    longer = [*PROMPT, 7, 8, 9]
    assert pick("turn", longer, [replica("a"), replica("b", 1)]).id == "b"


def test_it_goes_elsewhere_where_that_replica_is_busier() -> None:
    assert pick("busy", PROMPT, [replica("a", 1), replica("b")]).id == "b"
    assert pick("busy", PROMPT, [replica("a"), replica("b", 4)]).id == "a"
    assert pick("busy", PROMPT, [replica("a", 1), replica("b")]).id == "a"


def test_it_never_waits_in_a_queue_for_what_is_known() -> None:
    assert pick("queue", PROMPT, [replica("a", 8), replica("b", 7)]).id == "b"
    assert pick("queue", PROMPT, [replica("a", 7), replica("b", 8)]).id == "a"


def test_it_goes_elsewhere_when_that_replica_is_gone() -> None:
    assert pick("gone", PROMPT, [replica("a", 1), replica("b")]).id == "b"
    assert pick("gone", PROMPT, [replica("a", 1)]).id == "a"


def test_other_tenants_and_other_beginnings_go_where_there_is_least_to_do() -> None:
    assert pick("mine", PROMPT, [replica("a", 1), replica("b")]).id == "b"
    now = [replica("a"), replica("b", 1)]
    assert pick("theirs", PROMPT, now).id == "a"
    assert pick("mine", [1, *PROMPT], now).id == "a"
    assert pick("mine", PROMPT[:PREFIX_TOKENS], now).id == "b"


def test_what_is_remembered_is_bounded() -> None:
    for number in range(affinity.REMEMBERED + 10):
        pick("many", [number], [replica("a")])
    assert len(affinity._last) == affinity.REMEMBERED
