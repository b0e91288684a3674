"""The table of the servers side by side, and which targets hold."""

import pytest

from benchmarks.serving.client import Figures
from benchmarks.serving.loads import Load
from benchmarks.serving.report import Case, table, verdicts


def figures(rate: float, *, ttft: float = 100.0) -> Figures:
    return Figures(rate, ttft, 2 * ttft, 10.0, 20.0)


def case(at: int, **rounds: list[Figures]) -> Case:
    return Case("independent", at, {name.replace("_", "."): each for name, each in rounds.items()})


@pytest.mark.parametrize(("rate", "holds"), [(149.0, False), (150.0, True)])
def test_at_eight_callers_ours_must_make_half_as_many_tokens_again(
    rate: float, holds: bool
) -> None:
    found = dict.fromkeys(
        one
        for one, said in verdicts([case(8, ours=[figures(rate)], llama_cpp=[figures(100.0)])])
        if "times" in said
    )
    assert list(found) == [holds]


@pytest.mark.parametrize(("ttft", "holds"), [(100.0, True), (101.0, False)])
def test_the_first_text_may_not_come_later_than_from_llama_cpp(ttft: float, holds: bool) -> None:
    rounds = {"ours": [figures(900.0, ttft=ttft)], "llama_cpp": [figures(100.0)]}
    assert [one for one, said in verdicts([case(8, **rounds)]) if "TTFT" in said] == [holds]


def test_transformers_is_compared_by_tokens_alone() -> None:
    rounds = {"ours": [figures(300.0, ttft=900.0)], "transformers": [figures(100.0)]}
    assert [one for one, _ in verdicts([case(32, **rounds)])] == [True]


def test_a_figure_is_the_median_of_its_rounds_and_stands_beside_the_floor() -> None:
    ours = [figures(rate) for rate in (900.0, 100.0, 110.0)]
    line = table([case(8, ours=ours, llama_cpp=[figures(55.0)])], {8: 220.0}).splitlines()[2:]
    assert line[0] == (
        "| independent | 8 | ours | 110 (900, 100, 110) |  | 50% | 100 / 200 | 10 / 20 |"
    )
    assert line[1].startswith("| independent | 8 | llama.cpp | 55 (55) | 2.00 times | 25% |")


def test_every_server_is_asked_the_same_and_no_two_callers_are() -> None:
    load = Load("multi-turn", 8, tokens=16, words=20, conversations=2, seed=1)
    asked = {tuple(load.questions(caller, n)) for caller in range(8) for n in range(2)}
    assert len(asked) == 16
    assert load.questions(3, 1) == load.questions(3, 1)
    assert {len(questions) for questions in asked} == {4}


def test_only_the_load_of_that_name_shares_a_beginning() -> None:
    shared = Load("shared prefix", 8, tokens=16, words=20, conversations=1, seed=1)
    assert len(shared.system().split()) == 400
    assert Load("independent", 8, tokens=16, words=20, conversations=1, seed=1).system() == ""
