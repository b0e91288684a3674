"""What a model's source may look like, and what is said of one that is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.registry.catalog import DEFAULT_MODELS
from inference.registry.sources import PathSource, SourceError, WheelSource, parse_source

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


@pytest.mark.parametrize("text", ["", "nothing", "http://x/y.gguf", "file:/x", "wheel", "x" * 501])
def test_anything_else_is_told_what_a_source_is(text: str) -> None:
    with pytest.raises(SourceError, match="a source"):
        parse_source(text)


@given(st.text(max_size=80) | st.from_regex(r"wheel:[a-z=/#.0-9-]{0,60}"))
def test_any_text_is_a_source_or_refused(text: str) -> None:
    try:
        source = parse_source(text)
    except SourceError:
        return
    assert parse_source(str(source)) == source
