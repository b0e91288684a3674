"""However the platform ends, nothing of it stays behind."""

import signal

from tests.platform_process import PlatformProcess

EXPECTED = (
    *("manage.py serve", "manage.py agent", "manage.py web", "celery"),
    *("inference.engine.runner", "unixsocket:"),
)


def test_a_killed_supervisor_takes_every_process_with_it(fresh: PlatformProcess) -> None:
    fresh.start()
    fresh.await_ready()
    commands = " ".join(fresh.processes().values())
    assert all(words in commands for words in EXPECTED)
    fresh.stop(signal.SIGKILL)
    fresh.until(lambda: not fresh.processes(), "nothing left", seconds=5)

    # What died like that starts again at once, on the same port and the same data, and ends well.
    fresh.start()
    fresh.await_banner()
    assert fresh.stop(signal.SIGTERM) == 0
    assert fresh.processes() == {}
    assert "did not end in time" not in fresh.log
    assert not list((fresh.var_dir / "run").glob("r-*.sock"))


def test_a_stop_while_everything_is_still_starting_is_obeyed(fresh: PlatformProcess) -> None:
    fresh.start()
    fresh.until(lambda: "manage.py agent" in str(fresh.processes()), "agent started")
    assert fresh.stop(signal.SIGINT) == 0
    assert fresh.processes() == {}
