"""The scripts that change counters, each with the functions they share in front of it."""

from pathlib import Path
from typing import Final

from aiplatform.pipelined_store import Script

_FOLDER: Final = Path(__file__).with_name("scripts")
_SHARED: Final = (_FOLDER / "counter.lua").read_text()


def _script(name: str) -> Script:
    return Script(_SHARED + (_FOLDER / f"{name}.lua").read_text())


ADMIT: Final = _script("admit")
SETTLE: Final = _script("settle")
RENEW: Final = _script("renew")
PEEK: Final = _script("peek")
LOAD_BEGIN: Final = _script("load_begin")
LOAD_END: Final = _script("load_end")
RECOUNT: Final = _script("recount")
