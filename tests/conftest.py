"""Fixtures that every test may ask for."""

import os

# Torch as the runner has it: offline, one thread, no spinning beside other tests. It looks once,
# when whatever is collected first imports it.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

pytest_plugins = ["tests.store_process", "tests.live_web", "tests.platform_fixtures"]
