"""What the playground's modules do by themselves: branches, files, storage, code to paste."""

import json
import subprocess
import sys
from typing import Any, Final

from tests.browser.modules import Modules

TREE: Final = {"tree": "conversation.js", "store": "conversations.js", "files": "portable.js"}
CODE: Final = {"code": "code_samples.js"}
# Storage that belongs to one test.
STORAGE: Final = """
  const kept = new Map();
  const storage = {
    get length() { return kept.size; },
    key: (at) => [...kept.keys()][at],
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, text) => { if (kept.size >= 3) throw new Error("full"); kept.set(key, text); },
    removeItem: (key) => kept.delete(key),
  };
  const all = new store.Conversations("1", storage);
"""
HOSTILE: Final = 'it\'s $HOME `id` \\ "q" \n\u2028 </script> \'\'\'""" {x} %s é \U0001f600'
ASKED: Final[dict[str, Any]] = {
    "model": "tiny",
    "messages": [{"role": "user", "content": HOSTILE}],
    "parameters": {"temperature": 0.5, "stop": ["'", "\\"], "seed": -1},
}


def test_branches_keep_what_they_came_from(modules: Modules) -> None:
    shown: Any = modules.run(
        TREE,
        """
        const all = tree.newConversation();
        const say = (parent, role, content) => tree.append(all, parent, {role, content});
        const first = say(null, "user", "one");
        const answer = say(first.id, "assistant", "two");
        say(answer.id, "user", "three");
        const again = say(first.id, "assistant", "two again");
        const texts = () => tree.shown(all).map(({ content }) => content);
        const seen = [texts()];
        tree.choose(all, answer);
        seen.push(texts(), tree.siblings(all, again).map(({ content }) => content));
        seen.push(tree.before(all, again).map(({ content }) => content), all.title);
        return seen;
        """,
    )
    assert shown == [
        ["one", "two again"],
        ["one", "two", "three"],
        ["two", "two again"],
        ["one"],
        "one",
    ]


def test_what_is_exported_is_imported_under_new_ids(modules: Modules) -> None:
    same: Any = modules.run(
        TREE,
        """
        const all = tree.newConversation();
        const asked = tree.append(all, null, {role: "user", content: "<b>one</b>"});
        tree.append(all, asked.id, {role: "assistant", content: "so f", status: "answering"});
        const [copy] = files.imported(files.exported([all]));
        const last = tree.shown(copy).at(-1);
        return [copy.id !== all.id, tree.shown(copy).map(({ content }) => content), last.status];
        """,
    )
    assert same == [True, ["<b>one</b>", "so f"], "cancelled"]


def conversation(**changes: Any) -> dict[str, Any]:
    message = {"id": "a" * 24, "parent": "", "role": "user", "content": "x", "at": 1}
    whole = {
        "id": "c" * 24,
        "title": "t",
        "at": 1,
        "messages": {"a" * 24: {**message, **changes.pop("message", {})}},
        "chosen": {"": "a" * 24},
    }
    return {**whole, **changes}


DAMAGED: Final[list[Any]] = [
    conversation(id="../x"),
    conversation(title=3),
    conversation(title="t" * 81),
    conversation(at="now"),
    conversation(messages=[]),
    conversation(chosen=None),
    conversation(message={"role": "system"}),
    conversation(message={"content": {"html": "<b>"}}),
    conversation(message={"parent": "__proto__"}),
    conversation(message={"id": "b" * 24}),
    conversation(message={"model": ["x"]}),
    None,
    [],
    "text",
]


def test_files_that_are_damaged_are_refused(modules: Modules) -> None:
    whole = {"format": "aiplatform.playground", "version": 1}
    texts = [json.dumps({**whole, "conversations": [one]}) for one in DAMAGED]
    texts += ["", "[]", "null", "{", json.dumps({**whole, "version": 2, "conversations": []})]
    texts += [json.dumps({**whole, "conversations": {}})]
    accepted = "return given.filter((one) => { try { files.imported(one); return 1; } catch {} })"
    assert modules.run(TREE, accepted, texts) == []
    good = json.dumps({**whole, "conversations": [conversation()]})
    assert modules.run(TREE, accepted, [good]) == [good]


def test_what_cannot_be_kept_is_told(modules: Modules) -> None:
    told: Any = modules.run(
        TREE,
        STORAGE
        + """
        for (let at = 0; at < 3; at += 1) all.save(tree.newConversation());
        const long = all.list()[0];
        tree.append(long, null, {role: "user", content: "x".repeat(2_000_000)});
        return [tree.newConversation(), long].map((one) => {
          try { all.save(one); } catch (error) { return error.constructor.name + error.message; }
        });
        """,
    )
    assert [one[:7] for one in told] == ["NotKept", "NotKept"]
    assert "storage is full" in told[0]
    assert "too long" in told[1]


def test_two_tabs_that_save_one_conversation_keep_every_message(modules: Modules) -> None:
    kept: Any = modules.run(
        TREE,
        STORAGE
        + """
        const ours = tree.newConversation();
        const asked = tree.append(ours, null, {role: "user", content: "asked"});
        const answer = tree.append(ours, asked.id,
          {role: "assistant", content: "beg", status: "answering"});
        all.save(ours);
        const theirs = all.get(ours.id);
        Object.assign(answer, {content: "begun and ended", status: "finished"});
        all.save(ours);
        tree.append(theirs, asked.id, {role: "assistant", content: "other", status: "finished"});
        all.save(theirs);
        return Object.values(all.get(ours.id).messages).map(({ content }) => content).sort();
        """,
    )
    assert kept == ["asked", "begun and ended", "other"]


def test_a_generation_tells_its_place_its_figures_and_no_message_twice(modules: Modules) -> None:
    told: Any = modules.run(
        {"generations": "generation.js", "statistics": "statistics.js"},
        """
        const one = new generations.Generation({}, {change() {}, end() {}});
        one.take({type: "accepted", request_id: "r", model: "tiny", prompt_tokens: 1200});
        one.take({type: "queued", position: 3, estimated_s: 12.3});
        const seen = [one.state, statistics.queueInWords(one.queued)];
        for (const [seq, text] of [[1, "a"], [2, "b"], [2, "b"], [1, "a"], [3, "c"]])
          one.take({type: "delta", seq, text});
        const { id, ...opening } = one.opening();
        seen.push(one.text, opening);
        one.take({type: "finished", seq: 4, finish_reason: "stop",
          usage: {prompt_tokens: 1200, completion_tokens: 3},
          timings: {ttft_ms: 250, duration_ms: 2250}});
        seen.push(one.state, statistics.inWords(statistics.statisticsOf(one)));
        return seen;
        """,
    )
    assert told == [
        "queued",
        "Waiting: 3 before it, about 12 s",
        "abc",
        {"type": "resume", "request_id": "r", "seq": 3},
        "finished",
        "1.0 tokens/s · first after 250 ms · 3 tokens · 1,200 tokens read",
    ]


def samples(modules: Modules) -> dict[str, str]:
    made: dict[str, str] = modules.run(
        CODE, "return code.codeSamples('http://127.0.0.1:1', given)", ASKED
    )
    return made


def test_the_shell_sends_what_was_asked(modules: Modules) -> None:
    command = samples(modules)["curl"].replace("curl ", "printf '%s\\0' ", 1)
    printed = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, env={"API_KEY": "k"}, check=True
    ).stdout.decode()
    body = json.loads(printed.split("\0")[-2])
    assert body == {"model": "tiny", "messages": ASKED["messages"], **ASKED["parameters"]}


def test_python_sends_what_was_asked(modules: Modules) -> None:
    code = samples(modules)["Python"].replace("from openai import OpenAI", FAKE_SDK)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"API_KEY": "k"}, check=True
    )
    sent = json.loads(done.stdout)
    assert sent.pop("stream") is True
    assert sent == {"model": "tiny", "messages": ASKED["messages"], **ASKED["parameters"]}


# Prints what the SDK would be called with. It stands for the import alone: the SDK itself is
# called in tests/api/test_openai_sdk.py.
FAKE_SDK: Final = """
import json
class OpenAI:
    def __init__(self, base_url, api_key):
        assert (base_url, api_key) == ("http://127.0.0.1:1/v1", "k")
        self.chat = self.completions = self
    def create(self, **asked):
        print(json.dumps(asked))
        return []
"""


def test_javascript_sends_what_was_asked(modules: Modules) -> None:
    code = samples(modules)["JavaScript"]
    body = code[code.index("JSON.stringify(") + len("JSON.stringify(") : code.index("),\n});")]
    assert json.loads(body) == {
        "model": "tiny",
        "messages": ASKED["messages"],
        **ASKED["parameters"],
        "stream": True,
    }
