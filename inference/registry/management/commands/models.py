"""`manage.py models`: list, fetch and add models."""

import argparse
from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from accounts.management.acting_command import ActingCommand
from aiplatform.store import Unavailable, blocking_store
from inference.registry.directory import replicas
from inference.registry.fetch import FetchError
from inference.registry.installation import model_fetch
from inference.registry.models import Dtype, Model, Task
from inference.registry.progress import ConsoleProgress
from inference.registry.services import model_save
from inference.registry.sources import SourceError, parse_source

_SOURCE_HELP: Final = str(Model._meta.get_field("source").help_text)
_NUMBERS: Final = ("context_length", "max_output_tokens", "slots", "max_queue", "threads")


class Command(ActingCommand):
    help = "List the registry's models, fetch one's weights, add one."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(required=True, metavar="list|fetch|add")
        actions.add_parser("list", help="what is registered and how it runs").set_defaults(
            action=self._list
        )
        fetch = actions.add_parser("fetch", help="fetch the weights of a registered model")
        fetch.add_argument("name", metavar="NAME")
        fetch.set_defaults(action=self._fetch)
        _describe(actions.add_parser("add", help="register a model"), self._add)

    def handle(self, *args: Any, **options: Any) -> None:
        options["action"](options)

    def _list(self, options: dict[str, Any]) -> None:
        states = _states()
        for model in Model.objects.all():
            state = states.get(model.name, "not running") if model.enabled else "disabled"
            default = " (default)" if model.is_default else ""
            self.stdout.write(f"{model.name}{default}\t{model.task}\t{state}\t{model.source}")

    def _fetch(self, options: dict[str, Any]) -> None:
        model = Model.objects.filter(name=options["name"]).first()
        if model is None:
            raise CommandError(f"No model {options['name']!r}. `models list` shows what there is.")
        try:
            model_fetch(model=model, progress=ConsoleProgress())
        except (FetchError, SourceError) as error:
            raise CommandError(f"{model.name}: {error}") from error
        self.stdout.write(f"{model.name} is in {model.directory}")

    def _add(self, options: dict[str, Any]) -> None:
        given = {
            name: options[name]
            for name in ("dtype", "device", *_NUMBERS)
            if options[name] is not None
        }
        fields = {name: options[name] for name in ("name", "source", "task", "licence")}
        fields |= {"enabled": not options["disabled"], "is_default": options["default"]}
        try:
            parse_source(options["source"])
            model_save(model=Model(), fields={**fields, **given})
        except SourceError as error:
            raise CommandError(f"--source: {error}") from error
        except ValidationError as error:
            raise CommandError(_in_words(error)) from error
        self.stdout.write(f"{options['name']} added")


def _describe(add: argparse.ArgumentParser, action: Callable[[dict[str, Any]], None]) -> None:
    add.add_argument("name", metavar="NAME")
    add.add_argument("--source", required=True, help=_SOURCE_HELP)
    add.add_argument("--task", choices=Task.values, default=Task.CHAT)
    add.add_argument("--dtype", choices=Dtype.values)
    add.add_argument("--device", help="auto (as if left out), cpu, cuda or cuda:N")
    add.add_argument("--licence", default="")
    for name in _NUMBERS:
        add.add_argument(f"--{name.replace('_', '-')}", type=int)
    add.add_argument("--default", action="store_true", help="answers requests that name no model")
    add.add_argument("--disabled", action="store_true", help="do not start a runner for it")
    add.set_defaults(action=action)


def _states() -> dict[str, str]:
    try:
        return {one.model: one.state for one in replicas(blocking_store())}
    except Unavailable:
        return {}


def _in_words(error: ValidationError) -> str:
    return "; ".join(
        f"--{field.replace('_', '-')}: {' '.join(texts)}"
        for field, texts in error.message_dict.items()
    )
