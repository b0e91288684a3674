"""Fixtures that every test may ask for."""

pytest_plugins = ["tests.store_process", "tests.live_web", "tests.platform_fixtures"]
