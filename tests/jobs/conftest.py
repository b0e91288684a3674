"""One web with one worker for all tests of jobs that leave them as they were."""

from collections.abc import Iterator

import pytest

from tests.jobs.working_web import LEASE_TTL_S, Worker
from tests.live_web import LiveWeb, StartWeb


@pytest.fixture(scope="session")
def working_web(start_web: StartWeb) -> Iterator[LiveWeb]:
    """A web whose worker runs; leases are short, so that what dies is soon missed."""
    with start_web(LEASE_TTL_S=str(LEASE_TTL_S)) as web, Worker(web).running():
        yield web
