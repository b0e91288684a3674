"""What a model's source may look like, and what is said of one that is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.registry.catalog import DEFAULT_MODELS
from inference.registry.sources import (
    GgufSource,
    PathSource,
    SourceError,
    WheelSource,
    parse_source,
)

_SHA = "0123456789abcdef" * 4


def test_a_wheel_source_has_its_four_parts() -> None:
    source = parse_source(f"wheel:llm-x==0.1.2/llm_x/sub dir/x.gguf#sha256={_SHA.upper()}")
    assert source == WheelSource("llm-x", "0.1.2", "llm_x/sub dir/x.gguf", _SHA)


def test_a_path_source_is_a_directory() -> None:
    assert parse_source("path:/srv/models/x") == PathSource(Path("/srv/models/x"))


@pytest.mark.parametrize(
    "text",
    [
        f"wheel:a==1/b.gguf#sha256={_SHA}",
        f"wheel:a==1/b/c.pth#sha256={_SHA}",
        f"wheel:a==1/b/c/#sha256={_SHA}",
        "path:/srv/x",
        "gguf:/srv/some models/x.Q4_1.gguf",
        f"gguf:/srv/x.gguf#sha256={_SHA}",
        *(str(model.source) for model in DEFAULT_MODELS),
    ],
)
def test_a_source_written_out_reads_back_the_same(text: str) -> None:
    assert str(parse_source(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "wheel:",
        "wheel:a==1/b.gguf",
        f"wheel:a/b.gguf#sha256={_SHA}",
        f"wheel:a>=1/b.gguf#sha256={_SHA}",
        f"wheel:a==1/b.bin#sha256={_SHA}",
        f"wheel:a==1/b.gguf#sha256={_SHA[1:]}",
        f"wheel:a==1/b.gguf#sha256={_SHA}0",
        f"wheel:--index-url=x==1/b.gguf#sha256={_SHA}",
        f"wheel:-r==1/b.gguf#sha256={_SHA}",
        f"wheel:a @ http==1/b.gguf#sha256={_SHA}",
        f"wheel:a==1 --x/b.gguf#sha256={_SHA}",
        f"wheel:a==1/../b.gguf#sha256={_SHA}",
        f"wheel:a==1//b.gguf#sha256={_SHA}",
        f"wheel:a==1//#sha256={_SHA}",
        f"wheel:a==1/b/../#sha256={_SHA}",
        f"wheel:a==1/b.gguf#sha256={_SHA}\n",
    ],
)
def test_a_malformed_wheel_source_is_told_the_form(text: str) -> None:
    with pytest.raises(SourceError, match="wheel"):
        parse_source(text)


@pytest.mark.parametrize("text", ["path:", "path:relative", "path:/a/../etc", "path:/a\0b"])
def test_a_malformed_path_source_is_told_the_form(text: str) -> None:
    with pytest.raises(SourceError, match=r"path:/absolute/directory"):
        parse_source(text)


def test_a_gguf_source_is_a_file_and_if_need_be_its_digest() -> None:
    assert parse_source("gguf:/srv/x.gguf") == GgufSource(Path("/srv/x.gguf"))
    pinned = parse_source(f"gguf:/srv/x.gguf#sha256={_SHA.upper()}")
    assert pinned == GgufSource(Path("/srv/x.gguf"), _SHA)


@pytest.mark.parametrize(
    "text",
    [
        "gguf:",
        "gguf:x.gguf",
        "gguf:/srv/x.bin",
        "gguf:/srv/../etc/x.gguf",
        "gguf:/srv/x\0.gguf",
        "gguf:/srv/x.gguf\n",
        f"gguf:/srv/x.gguf#sha256={_SHA}0",
        "gguf:/srv/x.gguf#sha256=",
        "path:/srv/x.gguf",
    ],
)
def test_a_malformed_gguf_source_is_told_the_form(text: str) -> None:
    with pytest.raises(SourceError, match=r"gguf:/absolute/file\.gguf"):
        parse_source(text)


@pytest.mark.parametrize("text", ["", "nothing", "http://x/y.gguf", "file:/x", "wheel", "x" * 501])
def test_anything_else_is_told_what_a_source_is(text: str) -> None:
    with pytest.raises(SourceError, match="a source"):
        parse_source(text)


@given(st.text(max_size=80) | st.from_regex(r"(wheel|gguf):[a-z=/#.0-9-]{0,60}"))
def test_any_text_is_a_source_or_refused(text: str) -> None:
    try:
        source = parse_source(text)
    except SourceError:
        return
    assert parse_source(str(source)) == source
