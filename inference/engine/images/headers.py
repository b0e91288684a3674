"""Which of six formats a file is, and its measures, read from its own bytes in bounded steps.

Only structure is read, never pixels and never more than a few thousand parts of a file, so that
even a hostile one costs the web process next to nothing; the libraries that unpack pixels run in
the runner alone. What is said here is compared there with what they find.
"""

import re
import struct
from collections.abc import Callable, Iterator
from typing import Final

from inference.engine.images.facts import (
    Bounds,
    ImageFacts,
    damaged,
    not_an_image,
    unusual,
)

# Of any file that a camera or program writes there are far fewer.
_MAX_PARTS: Final = 20_000
_MAX_GIF_BLOCKS: Final = 200_000  # of at most 255 bytes each
_MAX_SCANS: Final = 64  # each goes over all pixels again; usual files have about ten
# What files begin with that are an image to one reader and something else to another. Not just
# anything: cameras put a film or a second picture behind the first.
_OTHER_FILE: Final = re.compile(rb"(?i)PK\x03\x04|%PDF-|<!doctype|<html|<svg|<script|<\?php|#!/")
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def read_facts(content: bytes, bounds: Bounds) -> ImageFacts:
    """Return what the image file `content` says of itself.

    Raises ImageError: it is none, is over one of `bounds`, or is put together like no honest file.
    """
    for begins, reader in _READERS:
        if begins.match(content):
            try:
                facts = reader(content, bounds)
            except (struct.error, IndexError) as error:
                raise damaged() from error
            bounds.check(facts)
            if facts.end is not None and _OTHER_FILE.search(content, facts.end):
                raise unusual("has another file behind its end")
            return facts
    raise not_an_image()


def _jpeg(content: bytes, bounds: Bounds) -> ImageFacts:
    """ITU T.81 annex B: segments of marker, length and data; scans are followed by their data."""
    size: tuple[int, int] | None = None
    scans, marker, at = 0, 0, 0
    for marker, at in _jpeg_segments(content):
        if marker in _FRAME_HEADERS and size is None:
            size = struct.unpack_from(">HH", content, at + 3)
        elif marker == _SCAN:
            scans += 1
            if scans > _MAX_SCANS:
                raise unusual(f"is stored in over {_MAX_SCANS} passes")
    if size is None:
        raise damaged()
    return ImageFacts("JPEG", width=size[1], height=size[0], end=at if marker == _END else None)


# Start of frame, with the measures; C4, C8 and CC are something else.
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN: Final = 0xDA
_END: Final = 0xD9


def _jpeg_segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker of each segment and where its length stands; the last is the end's."""
    at = 2
    for _ in range(_MAX_PARTS):
        found = _NEXT_MARKER.search(content, at)
        if found is None:
            return
        at = found.end()
        marker = content[at - 1]
        if marker == 0x01:  # stands alone
            continue
        yield marker, at
        if marker == _END:
            return
        (length,) = struct.unpack_from(">H", content, at)
        at += max(length, 2)
    raise unusual("has too many segments")


def _png(content: bytes, bounds: Bounds) -> ImageFacts:
    """PNG specification §5: chunks of length, type, data and checksum."""
    width, height = struct.unpack_from(">II", content, 16)
    frames, at = 1, 8
    for _ in range(_MAX_PARTS):
        if at + 8 > len(content):
            return ImageFacts("PNG", width, height, frames)
        length, kind = struct.unpack_from(">I4s", content, at)
        if kind == b"acTL":
            (frames,) = struct.unpack_from(">I", content, at + 8)
        at += 12 + length
        if kind == b"IEND":
            return ImageFacts("PNG", width, height, frames, end=at)
    raise unusual("has too many chunks")


def _webp(content: bytes, bounds: Bounds) -> ImageFacts:
    """RFC 9649: RIFF chunks; the first one says how large the picture is."""
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (_uint24(content, at) + 1 for at in (24, 27))
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", content, 26))
    else:
        raise damaged()
    (size,) = struct.unpack_from("<I", content, 4)
    return ImageFacts("WEBP", width, height, max(1, _webp_frames(content)), end=8 + size)


def _webp_frames(content: bytes) -> int:
    frames, at = 0, 12
    for _ in range(_MAX_PARTS):
        if at + 8 > len(content):
            return frames
        kind, length = struct.unpack_from("<4sI", content, at)
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    raise unusual("has too many chunks")


def _uint24(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 3], "little")


def _gif(content: bytes, bounds: Bounds) -> ImageFacts:
    """GIF89a: a screen, then extensions and frames, each a row of blocks."""
    width, height, flags = struct.unpack_from("<HHB", content, 6)
    frames, blocks, at = 0, 0, 13 + _colours(flags)
    while frames <= bounds.frames and at < len(content):
        introducer = content[at]
        if introducer == 0x2C:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", content, at + 1)
            frames += 1
            if frames == 1:  # what reaches beyond the screen makes it larger
                width, height = max(width, left + wide), max(height, top + high)
            at += 11 + _colours(flags)
        elif introducer == 0x21:
            at += 2
        else:
            break  # the trailer, or what readers take for one
        at, passed = _after_blocks(content, at)
        blocks += passed
        if blocks > _MAX_GIF_BLOCKS:
            raise unusual("is made of too many blocks")
    if not frames:
        raise damaged()
    return ImageFacts("GIF", width, height, frames, end=at)


def _colours(flags: int) -> int:
    """Return the bytes of the colour table that `flags` announce."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> tuple[int, int]:
    """Return where a row of blocks ends and how many it has."""
    passed = 0
    while at < len(content) and content[at] and passed <= _MAX_GIF_BLOCKS:
        at += 1 + content[at]
        passed += 1
    return at + 1, passed


def _bmp(content: bytes, bounds: Bounds) -> ImageFacts:
    """The header's own size says which of its versions it is."""
    (header,) = struct.unpack_from("<I", content, 14)
    if header == 12:
        width, height = struct.unpack_from("<HH", content, 18)
        return ImageFacts("BMP", width, height)
    width, height, _, _, compression = struct.unpack_from("<iiHHI", content, 18)
    if compression in (1, 2):  # unpacked run by run in Python, seconds a file
        raise unusual("is a BMP with run-length compression, which is not read")
    return ImageFacts("BMP", width, abs(height))  # a negative one stands upright


def _tiff(content: bytes, bounds: Bounds) -> ImageFacts:
    """TIFF 6.0: a chain of directories, one a page, each of 12-byte entries."""
    order = "<" if content[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", content, 4)
    (count,) = struct.unpack_from(f"{order}H", content, at)
    tags = dict(_tiff_entries(content, order, at + 2, min(count, 4096)))
    if 256 not in tags or 257 not in tags:
        raise damaged()
    return ImageFacts(
        "TIFF",
        width=tags[256],
        height=tags[257],
        frames=_tiff_pages(content, order, at, bounds.frames),
        buffer_pixels=tags.get(322, 0) * tags.get(323, 0),
    )


def _tiff_entries(content: bytes, order: str, at: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield tag and value of what is one whole number."""
    for entry in range(at, at + 12 * count, 12):
        tag, kind, values = struct.unpack_from(f"{order}HHI", content, entry)
        if values == 1 and kind in (3, 4):  # a short one stands at the left of its four bytes
            yield (
                tag,
                struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", content, entry + 8)[0],
            )


def _tiff_pages(content: bytes, order: str, at: int, most: int) -> int:
    """Return the number of directories, or `most` + 1: some chains run in a circle."""
    pages = 0
    while at and pages <= most:
        pages += 1
        if at + 2 > len(content):
            break
        (count,) = struct.unpack_from(f"{order}H", content, at)
        end = at + 2 + 12 * count
        at = struct.unpack_from(f"{order}I", content, end)[0] if end + 4 <= len(content) else 0
    return pages


_Reader = Callable[[bytes, Bounds], ImageFacts]
_READERS: Final[tuple[tuple[re.Pattern[bytes], _Reader], ...]] = (
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n....IHDR", re.DOTALL), _png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), _webp),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"BM"), _bmp),
    (re.compile(rb"II\*\x00|MM\x00\*"), _tiff),
)
