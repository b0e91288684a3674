"""transformers' image pipeline by itself, at its best batch size.

`python -m benchmarks.image_offline DIRECTORY` reads a JSON list of pictures, files in base64, and
prints pictures a second by batch size. Files are unpacked within that time, as a server must.
"""

import base64
import io
import json
import random
import sys
import time
from typing import Any, Final

from PIL import Image

MODULE: Final = "benchmarks.image_offline"
BATCH_SIZES: Final = (1, 8, 32)
_SIZE: Final = (640, 427)


def pictures(count: int) -> list[str]:
    """Return `count` photograph-like JPEG files in base64, no two alike."""
    chance = random.Random(0)
    return [_picture(chance) for _ in range(count)]


def _picture(chance: random.Random) -> str:
    """Large shapes under fine grain: about as many bytes as a photograph of that size has."""
    coarse = Image.frombytes("RGB", (8, 6), chance.randbytes(8 * 6 * 3)).resize(_SIZE)
    grain = Image.frombytes("L", (160, 107), chance.randbytes(160 * 107)).resize(_SIZE)
    file = io.BytesIO()
    Image.blend(coarse, grain.convert("RGB"), 0.3).save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()


def _measured(directory: str, asked: list[str]) -> dict[int, float]:
    from transformers import AutoImageProcessor, pipeline

    # Pillow's: the other back-end needs torchvision.
    processor = AutoImageProcessor.from_pretrained(directory, backend="pil")  # type: ignore[no-untyped-call]
    run: Any = pipeline(
        "image-classification", model=directory, image_processor=processor, device="cpu"
    )
    files = [base64.b64decode(one) for one in asked]
    run(_opened(files[:2]))  # warm up
    found = {}
    for size in BATCH_SIZES:
        began = time.perf_counter()
        run(_opened(files), batch_size=size)
        found[size] = len(files) / (time.perf_counter() - began)
    return found


def _opened(files: list[bytes]) -> list[Image.Image]:
    return [Image.open(io.BytesIO(file)).convert("RGB") for file in files]


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], json.load(sys.stdin))))
