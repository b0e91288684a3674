"""The requests that docs/images.md shows do what it says."""

import base64
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, Final

from tests.photographs import photograph
from tests.platform_process import REPOSITORY, PlatformProcess

_TEXT: Final = (REPOSITORY / "docs" / "images.md").read_text()
_COMMANDS: Final = [
    one.replace("\\\n", " ")
    for one in re.findall(r"^    (curl (?:.*\\\n)*.*)$", _TEXT, re.MULTILINE)
]


def _run(platform: PlatformProcess, command: str, folder: Path) -> dict[str, Any]:
    values = {"$AIP": platform.base_url, "$API_KEY": platform.key}
    for name, value in values.items():
        command = command.replace(name, value)
    done = subprocess.run(
        [*shlex.split(command), "--silent", "--show-error"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_both_requests_give_the_answer_that_is_shown(
    seeing: PlatformProcess, tmp_path: Path
) -> None:
    content = photograph("chelsea.png")
    (tmp_path / "cat.png").write_bytes(content)
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    body = {"image": url, "filename": "cat.png", "top_k": 2}
    (tmp_path / "cat.json").write_text(json.dumps(body))
    shown = json.loads(re.findall(r"```json\n(.*?)```", _TEXT, re.DOTALL)[0])
    assert len(_COMMANDS) == 2
    for command in _COMMANDS:
        answer = _run(seeing, command, tmp_path)
        assert answer.keys() == shown.keys()
        labels, expected = answer["result"]["labels"], shown["result"]["labels"]
        assert [one["label"] for one in labels] == [one["label"] for one in expected]
        for name in ("filename", "format", "width", "height", "frames", "size", "usage"):
            assert answer[name] == shown[name]


def test_every_bound_that_is_named_is_the_setting_s() -> None:
    settings = (REPOSITORY / "aiplatform" / "settings.py").read_text()
    for name in ("MAX_IMAGE_BYTES", "MAX_IMAGE_PIXELS", "MAX_IMAGE_FRAMES"):
        assert f'"{name}"' in settings
        assert f"`{name}`" in _TEXT
        assert f"# {name}=" in (REPOSITORY / ".env.example").read_text()
