"""Runners that do what runners must not: die, refuse, stay silent, speak another language."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from inference.engine import wire
from tests.canned_runner import CannedRunner

Fault = Literal["dies", "refuses", "fails", "silent", "other version", "garbage"]


@dataclass
class FaultyRunner(CannedRunner):
    """Makes `words` words of each answer and then does what `fault` says."""

    fault: Fault = "dies"
    words: int = 0
    code: str = "queue_full"  # of a refusal or failure
    only: str = ""  # how the ids of the requests end that this is done to; the others just begin
    open_connections: int = 0

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gateways[writer] = asyncio.current_task()
        self.open_connections += 1
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway hung up
        finally:
            self.open_connections -= 1
            del self._gateways[writer]
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            message = await wire.read_request(reader)
            if isinstance(message, wire.Hello) and self.fault != "silent":
                version = 99 if self.fault == "other version" else wire.VERSION
                writer.write(wire.encode(wire.Hello(version=version)))
            elif isinstance(message, wire.Submit):
                self.counters.accepted += 1
                self._answer(message.request_id, writer)
                if self.fault == "dies":
                    await writer.drain()
                    return
            elif isinstance(message, wire.Cancel):
                self.counters.cancelled += 1
                usage = wire.Usage(prompt_tokens=1, completion_tokens=0)
                writer.write(wire.encode(wire.Finished(message.request_id, "cancelled", usage)))

    def _answer(self, request_id: str, writer: asyncio.StreamWriter) -> None:
        if not request_id.endswith(self.only):
            writer.write(wire.encode(wire.Accepted(request_id, 0)))
            return
        if self.fault == "refuses":
            writer.write(wire.encode(wire.Failed(request_id, self.code, "not now")))
            return
        writer.write(wire.encode(wire.Accepted(request_id, 0)))
        for _ in range(self.words):
            writer.write(wire.encode(wire.Deltas([wire.Delta(request_id, "word ", 1)])))
        if self.fault == "fails":
            writer.write(wire.encode(wire.Failed(request_id, self.code, "the engine stopped")))
        if self.fault == "garbage":
            writer.write(b"\x00\x00\x00\x03abc")
