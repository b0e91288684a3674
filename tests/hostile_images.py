"""Some three hundred files that are no image, or one that must not be unpacked; made, not kept."""

import io
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image

SIZE: Final = (61, 47)
MAGIC: Final = {
    "jpeg": b"\xff\xd8\xff",
    "png": b"\x89PNG\r\n\x1a\n",
    "webp": b"RIFF\x00\x10\x00\x00WEBP",
    "gif": b"GIF89a",
    "bmp": b"BM",
    "tiff": b"II*\x00",
}
_SAVED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "jpeg": ("JPEG", {}),
    "progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "lzw": ("TIFF", {"compression": "tiff_lzw"}),
}
_SIDES: Final = (30_000, 65_535)


def hostile_files() -> dict[str, bytes]:
    """Return the files by a name that says what is wrong; the same ones each time."""
    found: dict[str, bytes] = {}
    for makers in (_cut, _no_images, _polyglots, _bombs, _many_frames, _strips, _noise, _odd):
        found.update(makers())
    return found


def noise(size: tuple[int, int] = SIZE, seed: int = 0) -> Image.Image:
    """Return an image that cannot be packed: every byte of its file matters."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def honest_files() -> dict[str, bytes]:
    """Return a file of each kind that is just what it says."""
    return {name: saved(noise(), kind, **options) for name, (kind, options) in _SAVED.items()}


def png(*chunks: tuple[bytes, bytes], width: int = 8, height: int = 8) -> bytes:
    """Return a PNG of `chunks` between its header and its end."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    every = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return MAGIC["png"] + b"".join(_chunk(kind, data) for kind, data in every)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(tags: dict[int, int], *, next_at: int = 0, pages: int = 1) -> bytes:
    """Return a TIFF of empty pages with these tags; behind the last one comes `next_at`."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    length = 2 + len(entries) + 4
    body = b""
    for page in range(pages):
        after = 8 + (page + 1) * length if page + 1 < pages else next_at
        body += struct.pack("<H", len(tags)) + entries + struct.pack("<I", after)
    return b"II*\x00" + struct.pack("<I", 8) + body


def _cut() -> Iterator[tuple[str, bytes]]:
    for name, whole in honest_files().items():
        for part in range(1, 16):
            yield f"{name} cut to {part}/20", whole[: len(whole) * part // 20]


def _no_images() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    for length in (1, 2, 3, 8, 4096):
        yield f"{length} zero bytes", bytes(length)
    texts = {
        "svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "svg bomb": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        '<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>',
        "html": "<!doctype html><html><img src=x onerror=alert(1)></html>",
        "php": "<?php system($_GET['c']); ?>",
        "javascript": "GIF = 1; alert(document.cookie)",
        "shell": "#!/bin/sh\nid\n",
        "mvg": "push graphic-context\nimage over 0,0 0,0 'url(http://127.0.0.1/)'\n",
        "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
        "pdf": "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
        "json": '{"image": "data:image/png;base64,"}',
        "xbm": "#define a_width 9\n#define a_height 9\nstatic char a_bits[] = {0};",
        "xpm": '/* XPM */ static char *a[] = {"1 1 1 1", "a c #000", "a"};',
        "pnm": "P3 1 1 255 0 0 0",
        "words": "a picture of a cat",
    }
    for name, text in texts.items():
        yield name, text.encode()
    binaries = {
        "zip": b"PK\x03\x04" + bytes(100),
        "elf": b"\x7fELF" + bytes(100),
        "exe": b"MZ" + bytes(100),
        "pickle": b"\x80\x02cposix\nsystem\n",
        "icon": b"\x00\x00\x01\x00" + bytes(100),
        "photoshop": b"8BPS\x00\x01" + bytes(100),
        "mp4": b"\x00\x00\x00\x18ftypmp42" + bytes(100),
        "avif": b"\x00\x00\x00\x18ftypavif" + bytes(100),
        "jpeg 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(100),
        "big tiff": b"II+\x00\x08\x00\x00\x00" + bytes(100),
        "wave": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(100),
        "icns": b"icns" + bytes(100),
        "dds": b"DDS " + bytes(124),
    }
    yield from binaries.items()


def _polyglots() -> Iterator[tuple[str, bytes]]:
    archive = b"PK\x03\x04\x14\x00" + bytes(60) + b"PK\x05\x06" + bytes(18)
    tails = {"zip": archive, "html": b"<HTML><script>alert(1)</script>", "php": b"<?php id(); ?>"}
    for name, whole in honest_files().items():
        yield f"html before {name}", b"<html><!--" + whole
        if name in ("bmp", "tiff", "lzw"):
            continue  # their ends are wherever their headers put them
        for kind, tail in tails.items():
            yield f"{name} with {kind} behind", whole + tail


def _bombs() -> Iterator[tuple[str, bytes]]:
    packed = zlib.compress(bytes(10_000_000))
    for side in _SIDES:
        yield f"png of {side}", png((b"IDAT", packed), width=side, height=side)
        yield f"bmp of {side}", b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, side, side, 1, 24, 0)
        yield (
            f"bmp of -{side}",
            b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, side, -side, 1, 24, 0),
        )
        yield f"gif of {side}", (
            b"GIF89a" + struct.pack("<HHBBB", side, side, 0, 0, 0)
            + b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x01\x00\x00;"
        )  # fmt: skip
        yield f"gif of a frame of {side}", (
            b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
            + b"\x2c" + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\x02\x01\x00\x00;"
        )  # fmt: skip
        yield f"tiff of {side}", tiff({256: side, 257: side, 258: 8, 262: 1})
        yield f"jpeg of {side}", (
            b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 11, 8, side, side, 1) + b"\x01\x11\x00"
            + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(100) + b"\xff\xd9"
        )  # fmt: skip
    for side in (16_000, 16_383):
        data = b"\x2f" + struct.pack("<I", (side - 1) | (side - 1) << 14)
        yield f"webp of {side}", _riff(b"VP8L", data + bytes(20))
        canvas = bytes(4) + 2 * (side - 1).to_bytes(3, "little")
        yield f"webp canvas of {side}", _riff(b"VP8X", canvas)
    huge = zlib.compress(bytes(100_000_000))
    pixels = (b"IDAT", zlib.compress(bytes(8 * 25)))
    yield "png with a bomb of a profile", png((b"iCCP", b"p\0\0" + huge), pixels)
    yield "png with a bomb of a text", png((b"zTXt", b"t\0\0" + huge), pixels)
    yield "png with a bomb of an international text", png((b"iTXt", b"t\0\1\0\0\0" + huge), pixels)
    tiles = {256: 9, 257: 9, 258: 8, 259: 8, 262: 1, 322: 60_000, 323: 60_000, 324: 8, 325: 100}
    yield "tiff with a tile of 60,000", tiff(tiles)


def _riff(kind: bytes, data: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _many_frames() -> Iterator[tuple[str, bytes]]:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    for count in (1000, 100_000):
        yield f"gif of {count} frames", screen + frame * count + b";"
    yield (
        "apng of 1000 frames",
        png((b"acTL", struct.pack(">II", 1000, 0)), (b"IDAT", zlib.compress(bytes(8 * 25)))),
    )
    data = bytes(4) + 2 * (7).to_bytes(3, "little")
    frames = (b"ANMF" + struct.pack("<I", 16) + bytes(16)) * 1000
    whole = b"WEBPVP8X" + struct.pack("<I", 10) + data + frames
    yield "webp of 1000 frames", b"RIFF" + struct.pack("<I", len(whole)) + whole
    measures = {256: 1, 257: 1, 258: 8, 262: 1}
    yield "tiff of 1000 pages", tiff(measures, pages=1000)
    yield "tiff whose pages run in a circle", tiff(measures, next_at=8)
    yield "gif of a million blocks", screen + b"\x21\xfe" + b"\x01a" * 1_000_000 + b"\0;"
    yield "png of a million chunks", png(*[(b"teXt", b"")] * 300_000)
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(4)
    start = b"\xff\xd8\xff\xc2" + struct.pack(">HBHHB", 11, 8, 64, 64, 1) + b"\x01\x11\x00"
    yield "jpeg of 5000 passes", start + scan * 5000 + b"\xff\xd9"
    yield "jpeg of 100,000 segments", b"\xff\xd8" + b"\xff\xfe\x00\x02" * 100_000


def _strips() -> Iterator[tuple[str, bytes]]:
    for kind in ("PNG", "BMP", "TIFF", "GIF", "JPEG"):
        for size in ((1, 30_000), (30_000, 1)):
            yield f"{kind} of {size[0]} x {size[1]}", saved(Image.new("RGB", size), kind)


def _noise() -> Iterator[tuple[str, bytes]]:
    chance = random.Random(1)
    for name, begins in MAGIC.items():
        for number in range(10):
            yield f"noise {number} that begins like {name}", begins + chance.randbytes(3000)


def _odd() -> Iterator[tuple[str, bytes]]:
    pixels = (b"IDAT", zlib.compress(bytes(8 * 25)))
    yield "png of no width", png(pixels, width=0)
    yield "png of no pixels", png()
    yield "png with a wrong checksum", png(pixels).replace(b"IDAT", b"IDAt", 1)
    yield "png that promises more rows", png(pixels, height=4000, width=4000)
    for compression in (1, 2):
        header = struct.pack("<IiiHHI", 40, 100, 100, 1, 8, compression)
        yield f"bmp packed by {compression}", b"BM" + bytes(12) + header + bytes(2000)
    yield "tiff without measures", tiff({258: 8})
    yield "tiff whose directory is nowhere", b"II*\x00\xff\xff\xff\x7f"
    yield "gif without a frame", b"GIF89a" + struct.pack("<HHBBB", 9, 9, 0, 0, 0) + b";"
