"""A prompt that the operator marked is found at the beginning of prompts, in either form."""

from pathlib import Path

from inference.engine.prefix_index import common
from inference.engine.shared_prompts import shared_tokens
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.wire import Finished
from tests.engine import tiny_models
from tests.engine.gateways import running

SYSTEM = "youarekindandbrief"
TEMPLATE = "{% for m in messages %}{{ m.role[0] }}{{ m.content }}z{% endfor %}c"


def tokenizer(directory: Path, template: str | None) -> Tokenizer:
    own = tiny_models.tokenizer()
    own.chat_template = template
    own.save_pretrained(directory)
    return Tokenizer.load(directory)


def test_a_conversation_with_the_marked_system_message_begins_like_it(tmp_path: Path) -> None:
    loaded = tokenizer(tmp_path, TEMPLATE)
    marked = shared_tokens(loaded, [SYSTEM])
    messages: list[dict[str, object]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "hello"},
    ]
    prompt = loaded.encode_chat(messages)
    reach = max(common(prompt, tokens) for tokens in marked)
    assert loaded.decode(prompt[:reach]).startswith("s" + SYSTEM)
    assert "hello" not in loaded.decode(prompt[:reach])


def test_without_a_chat_template_the_text_itself_is_what_is_shared(tmp_path: Path) -> None:
    loaded = tokenizer(tmp_path, None)
    assert shared_tokens(loaded, [SYSTEM, "other"]) == [
        loaded.encode(SYSTEM),
        loaded.encode("other"),
    ]


async def test_a_runner_shares_what_its_configuration_marks_and_tells_how_much_it_saved(
    tmp_path: Path,
) -> None:
    tiny_models.save("llama", tmp_path)
    shared = Tokenizer.load(tmp_path).encode(SYSTEM)
    config = {"shared_prompts": [SYSTEM], "context_length": 256}
    async with running(tmp_path, tmp_path / "shared.sock", **config) as gateway:
        for tenant in ("a", "b"):
            gateway.submit(tenant, [*shared, 7, 8], 5, tenant=tenant)
            _, end = await gateway.end(tenant)
        assert isinstance(end, Finished)
        assert end.usage.cached_tokens == len(shared)
        status = await gateway.until_idle()
        assert status.prompt_tokens == 2 * (len(shared) + 2)
        assert status.cached_tokens == len(shared)
        assert status.mean_step_s > 0
