"""Says once that something is away, and once that it is back."""

import structlog

log = structlog.get_logger("inference.registry.agent")


class Outage:
    """One thing the agent can do without for a while."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._away = False

    def noticed(self, error: Exception) -> None:
        """Log the first failure of a row."""
        if not self._away:
            log.error("away, going on without it", what=self._what, error=repr(error))
        self._away = True

    def over(self) -> None:
        """Log the first success after failures."""
        if self._away:
            log.info("back", what=self._what)
        self._away = False
