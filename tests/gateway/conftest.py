"""What one test of the gateway must not leave to the next."""

from collections.abc import Iterator

import pytest

from inference.gateway.limits import reservation


@pytest.fixture(autouse=True)
def nothing_held() -> Iterator[None]:
    """Forget what a test left reserved: it would be renewed in the next one's store."""
    yield
    reservation._held.clear()
