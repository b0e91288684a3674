"""Embeddings and pictures a second through a whole platform, beside what others make of the same.

`python -m benchmarks.kinds [--url http://127.0.0.1:8000] [--at 1 8 64] [--rounds 3]` asks the
platform that `make run` started with its default models, one text or picture a request, keys,
limits and history on; the key is the first one, or `API_KEY`, and VAR_DIR is the platform's. It
must run with UPLOAD_RATES_BY_ADDRESS and UPLOAD_RATES_BY_NAME out of the way (1000000/m). In turn
with that, on as many threads: sentence-transformers offline at its best batch size and
infinity-emb's server (each in an environment of its own), and transformers' image pipeline
offline at its best batch size. Prints Markdown tables, and exits 1 unless the largest concurrency
gives at least 90 % of sentence-transformers and 1.3 times infinity-emb, and a lone request adds
under 5 ms. It takes some five minutes, the first time longer: it installs what it compares with.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import django
import httpx

from benchmarks import embedding_offline, image_offline, infinity_server, kind_lone, offline
from benchmarks.concurrency import first_key
from benchmarks.embedding_texts import texts
from benchmarks.environment import python_in
from benchmarks.infinity_server import Infinity
from benchmarks.kind_caller import Door, embedding_door, image_door, served
from benchmarks.kind_rounds import Rounds
from benchmarks.process import StartError

OF_OFFLINE: Final = 0.9
OF_INFINITY: Final = 1.3
ADDED_MS: Final = 5.0
_OFFLINE_TEXTS: Final = 256
_PICTURES: Final = 64
_LONE_TEXTS: Final = 100
_WARM_S: Final = 3.0


def main() -> None:
    """Print the tables."""
    options = _options()
    key = first_key()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        embedding = _Embedding(options, key, Path(folder), stack)
        image = _Images(options, key)
        embedding.warm_up()
        image.warm_up()
        for _ in range(options.rounds):
            embedding.round()
            image.round()
        lone = embedding.lone()
    print(f"{embedding.rounds.table('embeddings/s')}\n\n{image.rounds.table('images/s')}\n")
    print(
        f"A lone embedding: {lone.served:.1f} ms, of which the model takes {lone.model:.1f} ms;"
        f" added: {lone.added:.1f} ms."
    )
    sys.exit(not (embedding.holds() and lone.added < ADDED_MS))


class _Embedding:
    """Everybody who embeds."""

    def __init__(
        self, options: argparse.Namespace, key: str, folder: Path, stack: ExitStack
    ) -> None:
        self._options = options
        self._directory = options.models / options.embedding_model
        self._threads = threads_of(options.url, key, options.embedding_model)
        self._door = embedding_door(options.url, "/v1/embeddings", options.embedding_model, key)
        self._offline = python_in(embedding_offline.environment())
        self._texts = texts(10_000, options.words)
        self._infinity = self._started(folder, stack)
        self.rounds = Rounds("sentence-transformers, offline", options.at)

    def warm_up(self) -> None:
        warm(self._door, self._texts)
        if self._infinity:
            with self._infinity.awake():
                warm(self._infinity_door(self._infinity), self._texts)

    def round(self) -> None:
        """Measure each once."""
        sample = self._texts[:_OFFLINE_TEXTS]
        module = embedding_offline.MODULE
        by_size = offline.rates(self._offline, module, self._directory, sample, self._threads)
        self.rounds.offline.append(max(by_size.values()))
        for at in self._options.at:
            self._measure("platform", self._door, at)
            if self._infinity:
                with self._infinity.awake():
                    self._measure("infinity-emb", self._infinity_door(self._infinity), at)

    def lone(self) -> kind_lone.Lone:
        """Ask one text after the other, over HTTP and at the runner."""
        asked = self._texts[:_LONE_TEXTS]
        items = kind_lone.encoded(self._directory, asked)
        socket = _runner_socket(self._options.embedding_model)
        return asyncio.run(kind_lone.lone(self._door, socket, asked, items))

    def holds(self) -> bool:
        """Return whether the targets do, at the largest concurrency."""
        most = max(self._options.at)
        ours = self.rounds.rate("platform", most)
        theirs = self.rounds.rate("infinity-emb", most) if self._infinity else 0.0
        return ours >= OF_OFFLINE * self.rounds.of_offline() and ours >= OF_INFINITY * theirs

    def _measure(self, who: str, door: Door, at: int) -> None:
        found = asyncio.run(served(door, at, self._options.seconds, self._texts))
        self.rounds.add(who, at, found)

    def _started(self, folder: Path, stack: ExitStack) -> Infinity | None:
        if self._options.without_infinity:
            return None
        try:
            place = infinity_server.environment()
            server = infinity_server.running_infinity(folder, place, self._directory, self._threads)
            return stack.enter_context(server)
        except StartError as error:
            print(f"without infinity-emb: {error}", file=sys.stderr)
            return None

    def _infinity_door(self, server: Infinity) -> Door:
        return embedding_door(server.url, "/embeddings", infinity_server.MODEL, "unused")


class _Images:
    """Everybody who says what a picture shows."""

    def __init__(self, options: argparse.Namespace, key: str) -> None:
        self._options = options
        self._directory = options.models / options.image_model
        self._threads = threads_of(options.url, key, options.image_model)
        self._door = image_door(options.url, options.image_model, key)
        self._pictures = image_offline.pictures(_PICTURES)
        self._urls = [f"data:image/jpeg;base64,{one}" for one in self._pictures]
        self.rounds = Rounds("transformers' pipeline, offline", options.at)

    def warm_up(self) -> None:
        warm(self._door, self._urls)

    def round(self) -> None:
        """Measure each once."""
        module, asked = image_offline.MODULE, self._pictures
        by_size = offline.rates(sys.executable, module, self._directory, asked, self._threads)
        self.rounds.offline.append(max(by_size.values()))
        for at in self._options.at:
            found = asyncio.run(served(self._door, at, self._options.seconds, self._urls))
            self.rounds.add("platform", at, found)


def warm(door: Door, asked: list[str]) -> None:
    """Ask for a while, so that nothing is done for the first time when it counts."""
    asyncio.run(served(door, 8, _WARM_S, asked))


def threads_of(url: str, key: str, model: str) -> int:
    """Return how many cores the platform's model may take: its rivals get the same."""
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(f"{url}/api/v1/models/{model}", headers=headers)
    if answer.status_code != httpx.codes.OK:
        sys.exit(f"{model}: {answer.text[:500]}")
    return int(answer.json()["threads"]) or os.cpu_count() or 1


def _runner_socket(model: str) -> str:
    """Return where the model's runner listens, as it is announced."""
    django.setup()
    from aiplatform.store import blocking_store
    from inference.registry.directory import replicas

    found = [one.address for one in replicas(blocking_store()) if one.model == model]
    if not found:
        sys.exit(f"No replica of {model} is announced: set VAR_DIR to that of the platform.")
    return found[0].removeprefix("unix:")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--embedding-model", default="all-minilm-l6-v2")
    parser.add_argument("--image-model", default="mobilenet-v2")
    parser.add_argument("--at", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--words", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-infinity", action="store_true")
    options = parser.parse_args()
    options.models = Path(os.environ.get("VAR_DIR", "var")).resolve() / "models"
    return options


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")
    main()
