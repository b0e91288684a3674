"""Medians of rounds as a table, and requests that are whole."""

import asyncio
import base64
import json

from benchmarks.image_offline import pictures
from benchmarks.kind_caller import embedding_door, image_door, served
from benchmarks.kind_rounds import Rounds
from benchmarks.measurement import Measurement
from inference.engine.images.facts import Bounds
from inference.engine.images.headers import read_facts


def test_the_table_has_medians_and_shares_of_the_best_offline_batch() -> None:
    rounds = Rounds("alone, offline", [1, 8])
    rounds.offline += [100.0, 90.0, 200.0]
    for at, rate in ((1, 50.0), (8, 110.0)):
        for off in (0.0, -5.0, 40.0):
            rounds.add("platform", at, Measurement(9, rate + off, 20.0 + off, 40.0 + off))
    assert rounds.table("texts/s").splitlines() == [
        "alone, offline, best batch: 100 texts/s",
        "",
        "| server | at once | texts/s | of offline | p50 | p99 |",
        "|---|--:|--:|--:|--:|--:|",
        "| platform | 1 | 50 | 50% | 20.0 ms | 40.0 ms |",
        "| platform | 8 | 110 | 110% | 20.0 ms | 40.0 ms |",
    ]


async def test_callers_ask_one_after_the_other_over_one_connection_each() -> None:
    asked: list[dict[str, str]] = []
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                assert head.startswith("POST /embeddings HTTP/1.1\r\n")
                assert "Authorization: Bearer secret\r\n" in head
                length = int(head.partition("Content-Length: ")[2].split("\r\n")[0])
                asked.append(json.loads(await reader.readexactly(length)))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        door = embedding_door(f"http://127.0.0.1:{port}", "/embeddings", "mini", "secret")
        found = await served(door, 3, 0.2, ["one", "two"])
    assert connections == 3
    assert found.requests == len(asked) > 0
    assert {one["input"] for one in asked} == {"one", "two"}
    assert asked[0]["model"] == "mini"


def test_pictures_differ_and_are_what_the_door_takes() -> None:
    one, two = pictures(2)
    assert one != two
    request = image_door("http://127.0.0.1:1", "mobile", "k").request(
        f"data:image/jpeg;base64,{one}"
    )
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    assert body["image"].endswith(one)
    facts = read_facts(base64.b64decode(one), Bounds())
    assert (facts.format, facts.width, facts.height) == ("JPEG", 640, 427)
