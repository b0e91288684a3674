"""An answer's head and the body that comes with it leave in one write."""

import asyncio
from typing import Any

import pytest

from aiplatform.answer_head import WithHead

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Transport:
    """Notes what would be written, each system call as one text."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.written.append(b"".join(parts))

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


@pytest.fixture
def below() -> Transport:
    return Transport()


@pytest.fixture
async def transport(below: Transport) -> Any:
    return WithHead(below)  # type: ignore[arg-type]  # what it uses of one


async def test_a_body_at_once_goes_out_with_its_head(below: Transport, transport: Any) -> None:
    transport.write(HEAD)
    transport.write(b"body")
    await asyncio.sleep(0)
    assert below.written == [HEAD + b"body"]


async def test_a_head_alone_waits_no_longer_than_the_next_turn(
    below: Transport, transport: Any
) -> None:
    transport.write(HEAD)
    assert below.written == []
    await asyncio.sleep(0)
    assert below.written == [HEAD]
    transport.write(b"body")
    assert below.written == [HEAD, b"body"]


async def test_two_answers_in_a_row_keep_their_order(below: Transport, transport: Any) -> None:
    for part in (HEAD, b"one", HEAD, b"two"):
        transport.write(part)
    assert below.written == [HEAD + b"one", HEAD + b"two"]


async def test_closing_loses_no_head(below: Transport, transport: Any) -> None:
    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)
    assert (below.written, below.closed) == ([HEAD], True)


async def test_all_else_is_the_transports_own(transport: Any) -> None:
    assert transport.get_extra_info("peername") == "the peername"
