"""The callers of one load, in a process of its own.

`python -m benchmarks.serving.client '<Play as JSON>'` prints one Figures as JSON.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from typing import Final

import msgspec

from benchmarks.chat_stream import ChatServer, Message, Stream, stream
from benchmarks.load import WrongAnswerError
from benchmarks.measurement import percentile
from benchmarks.serving.loads import Load

_LONGEST_S: Final = 1800.0  # of a whole load


class Figures(msgspec.Struct, frozen=True):
    """What one load came to against one server. Times in ms."""

    tokens_per_s: float  # of all callers together
    ttft_p50: float  # to a request's first text
    ttft_p99: float
    itl_p50: float  # between one piece of text and the next of the same request
    itl_p99: float


class Play(msgspec.Struct, frozen=True):
    """Whom to ask what."""

    server: ChatServer
    load: Load


def measured(server: ChatServer, load: Load) -> Figures:
    """Play a load in a process of its own. Raises WrongAnswerError."""
    play = msgspec.json.encode(Play(server, load)).decode()
    command = [sys.executable, "-m", "benchmarks.serving.client", play]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise WrongAnswerError(done.stderr.decode(errors="replace").strip()[-2000:])
    return msgspec.json.decode(done.stdout, type=Figures)


async def run(server: ChatServer, load: Load) -> Figures:
    """Play a load in this process. Raises WrongAnswerError."""
    began = time.perf_counter()
    async with asyncio.timeout(_LONGEST_S), asyncio.TaskGroup() as group:
        callers = [group.create_task(_call(server, load, number)) for number in range(load.at)]
    seconds = time.perf_counter() - began
    return _figures([one for caller in callers for one in caller.result()], seconds)


async def _call(server: ChatServer, load: Load, caller: int) -> list[Stream]:
    """Be one caller: ask, wait for the answer, ask on."""
    answers: list[Stream] = []
    for conversation in range(load.conversations):
        system = load.system()
        messages: list[Message] = [{"role": "system", "content": system}] if system else []
        for question in load.questions(caller, conversation):
            messages.append({"role": "user", "content": question})
            answer = await _ask(server, messages, load.tokens)
            messages.append({"role": "assistant", "content": answer.text})
            answers.append(answer)
    return answers


async def _ask(server: ChatServer, messages: list[Message], tokens: int) -> Stream:
    answer = await stream(server, messages, max_tokens=tokens, temperature=0)
    if answer.tokens != tokens:  # the servers would not be compared over the same work
        made = f"{answer.tokens} tokens instead of {tokens}"
        raise WrongAnswerError(f"{server.name} made {made}")
    return answer


def _figures(streams: list[Stream], seconds: float) -> Figures:
    firsts = sorted(one.first_s * 1000 for one in streams)
    gaps = sorted(gap * 1000 for one in streams for gap in one.gaps)
    return Figures(
        tokens_per_s=sum(one.tokens for one in streams) / seconds,
        ttft_p50=statistics.median(firsts),
        ttft_p99=percentile(firsts, 99),
        itl_p50=statistics.median(gaps),
        itl_p99=percentile(gaps, 99),
    )


def main(argument: str) -> int:
    """Play, and print what it came to."""
    play = msgspec.json.decode(argument, type=Play)
    try:
        figures = asyncio.run(run(play.server, play.load))
    except (ExceptionGroup, TimeoutError) as error:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else "it takes too long"
        sys.stderr.write(f"{play.server.name}: {first}\n")
        return 1
    sys.stdout.write(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
