"""`manage.py quota` sets, shows and deletes limits, or says what is wrong."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.limit_rules import rules_of
from accounts.models import Limit, Plan
from tests.people import person

pytestmark = pytest.mark.django_db
TOKENS = ("--resource", "tokens", "--window", "day")


def quota(*arguments: str) -> str:
    out = StringIO()
    call_command("quota", *arguments, stdout=out)
    return out.getvalue()


def test_a_users_limit_is_set_changed_shown_and_deleted() -> None:
    ada = person("ada")
    assert (
        quota("ada", *TOKENS, "--amount", "100000") == "user ada: 100000 tokens a day, per user\n"
    )
    assert [rule.amount for rule in rules_of(ada, None)] == [100_000]
    quota("ada", *TOKENS, "--amount", "5")
    assert quota("ada") == quota("ada", "--list") == "user ada: 5 tokens a day, per user\n"
    assert quota("ada", *TOKENS, "--delete") == "Deleted: user ada: 5 tokens a day, per user\n"
    assert quota("ada") == "No limits.\n"


def test_plans_and_the_platform_have_their_own() -> None:
    Plan.objects.create(name="gold")
    quota("--plan", "gold", *TOKENS, "--amount", "5")
    quota("--platform", "--resource", "cost", "--window", "month", "--amount", "2.5")
    quota("--platform", "--resource", "concurrency", "--per", "model", "--amount", "8")
    assert quota("--plan", "gold", "--list") == "plan gold: 5 tokens a day, per user\n"
    assert quota("--platform", "--list") == (
        "platform: 8 requests at once, per model\nplatform: 2.5 cost a month, per user\n"
    )


def test_a_limit_of_one_model_is_beside_the_one_of_all() -> None:
    quota("--platform", *TOKENS, "--amount", "5")
    quota("--platform", *TOKENS, "--amount", "2", "--model", "tiny", "--per", "user_model")
    assert Limit.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*TOKENS, "--amount", "1"], "required"),
        (["nobody", *TOKENS, "--amount", "1"], "No user 'nobody'"),
        (["--plan", "none", *TOKENS, "--amount", "1"], "No plan 'none'. There are: gold."),
        (["--platform", "--plan", "gold"], "not allowed with"),
        (["--platform", "--amount", "1"], "Say --resource: one of requests"),
        (["--platform", "--delete"], "Say --resource: one of requests"),
        (["--platform", *TOKENS], "Say --amount N"),
        (["--platform", *TOKENS, "--amount", "1", "--delete"], "not allowed with"),
        (["--platform", *TOKENS, "--delete"], "no such limit"),
        (["--platform", "--resource", "tokens", "--amount", "1"], "Say --window: one of minute"),
        (["--platform", "--resource", "apples", "--amount", "1"], "invalid choice"),
        (["--platform", *TOKENS, "--per", "planet", "--amount", "1"], "invalid choice"),
        (["--platform", *TOKENS, "--amount", "many"], "--amount 'many'"),
        (["--platform", *TOKENS, "--amount", "nan"], "--amount 'nan'"),
        (["--platform", *TOKENS, "--amount", "1e999"], "at most 18 digits"),
        (["--platform", *TOKENS, "--amount=-1"], "--amount: Ensure this value"),
        (["--platform", *TOKENS, "--amount", "0.5"], "--amount: Give a whole number"),
        (["--platform", *TOKENS, "--amount", "1", "--model", "Not A Name"], "--model 'Not A Name'"),
        (
            ["--platform", "--resource", "tokens", "--window", "now", "--amount", "1"],
            "--window: Concurrency is counted now",
        ),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], words: str) -> None:
    Plan.objects.create(name="gold")
    with pytest.raises(CommandError) as refused:
        quota(*arguments)
    assert words in str(refused.value)
    assert not Limit.objects.exists()
