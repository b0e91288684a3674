"""What the gateway does when a web process starts and before it ends."""

from django.conf import settings

from aiplatform.lifespan import at_end, at_start
from inference.gateway.connection import close_connections
from inference.gateway.generation import finish_all
from inference.gateway.settlement import settlement


@at_start
async def write_what_was_spooled() -> None:
    """A former process may have left entries behind while the database was away."""
    await settlement().replay()


@at_end
async def finish_and_disconnect() -> None:
    """Settle what is under way; the runners stop what still runs when we hang up."""
    await finish_all(settings.SHUTDOWN_GRACE_S)
    close_connections()
