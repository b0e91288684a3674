"""Chat templates do what those of published models need, and cannot get out, run or grow on."""

import time

import pytest

from inference.engine.text.chat_template import ChatTemplate, TemplateError

_MESSAGES: list[dict[str, object]] = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
]


def _render(source: str) -> str:
    return ChatTemplate(source).render(_MESSAGES, {"bos_token": "<s>"})


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{% for m in messages %}{{ m.role ~ ':' ~ m['content'] }}\n{% endfor %}", None),
        ("{{ bos_token + messages[-1].content }}", "<s>Hello"),
        ("{% for m in messages if m.role == 'user' %}{{ loop.index0 % 2 }}{% endfor %}", "0"),
        ("{% for m in messages %}{% if loop.last %}{% break %}{% endif %}x{% endfor %}", "x"),
        ("{{ messages | tojson }}", '[{"role": "user", "content": "Hi"}, '),
        ("{{ {'a': '<é>'} | tojson }}", '{"a": "<é>"}'),
        ("{% generation %}x{% endgeneration %}y", "xy"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
         "{% endfor %}{{ ns.n }}", "2"),
        ("{% macro show(m) %}[{{ m.content }}]{% endmacro %}{{ show(messages[0]) }}", "[Hi]"),
        ("{{ messages | map(attribute='role') | join(', ') }}", "user, assistant"),
        ("{{ messages | join('+', attribute='role') }}", "user+assistant"),
        ("{{ '-'.join(['a', 'b']) }}{{ 'aa'.replace('a', 'b', 1) }}", "a-bba"),
        ("{{ 'aa' | replace('a', 'b') }}{{ ('x\ny' | indent(2)) }}", "bbx\n  y"),
        ("{% if tools %}t{% endif %}{{ 2 ** 3 * 2 }}{{ 'ab' * 2 }}", "16abab"),
        ("{{ strftime_now('%Y')[:2] }}", "20"),
        ("{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}{{ loop(x) }}"
         "{% else %}{{ x }}{% endif %}{% endfor %}", "123"),
        ("  {% if true %}\n  x\n  {% endif %}\n", "  x\n"),
    ],
)  # fmt: skip
def test_what_published_templates_use_works(source: str, wanted: str | None) -> None:
    rendered = _render(source)
    assert rendered.startswith(wanted if wanted is not None else "user:Hi\nassistant:Hello\n")


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
        "{% for a in range(90000) %}{% for b in range(90000) %}x{% endfor %}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
        "{{ f(60) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for x in range(10 ** 9) %}{% endfor %}",
        "{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    ],
)
def test_a_template_that_runs_on_is_stopped(source: str) -> None:
    began = time.thread_time()
    with pytest.raises(TemplateError, match="chat template"):
        _render(source)
    assert time.thread_time() - began < 10


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10 ** 10 }}",
        "{{ [0] * 10 ** 10 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}"
        "{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}"
        "{% endfor %}",
        "{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}"
        "{% endfor %}",
        "{% set big = 'a' * 100000 %}{{ big.replace('a', big) }}",
        "{% set big = 'a' * 100000 %}{{ big | replace('a', big) }}",
        "{% set big = 'a' * 100000 %}{{ big.join(range(9000) | map('string')) }}",
        "{% set big = 'a' * 100000 %}{{ range(9000) | join(big) }}",
        "{{ 'a'.ljust(10 ** 10) }}",
        "{{ 'a' | center(10 ** 10) }}",
        "{{ '{:10000000000}'.format(1) }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ ('a' | indent(10 ** 10, true)) }}",
        "{{ messages | tojson(indent=10 ** 10) }}",
        "{{ lipsum(n=10 ** 9) }}",
        "{{ strftime_now('%1000000000Y') }}",
        "{% for i in range(90000) %}{{ 'a' * 100000 }}{% endfor %}",
    ],
)
def test_a_template_that_grows_is_stopped(source: str) -> None:
    with pytest.raises(TemplateError, match="chat template"):
        _render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{% include '/etc/hostname' %}",
        "{% import 'os' as os %}",
        "{{ cycler.__init__.__globals__ }}",
    ],
)
def test_a_template_has_no_way_out(source: str) -> None:
    with pytest.raises(TemplateError, match="chat template"):
        _render(source)


def test_what_is_hidden_from_a_template_is_as_if_it_were_not_there() -> None:
    assert _render("{{ raise_exception.__globals__ }}{{ ''.__class__ }}") == ""


def test_a_reason_of_the_template_is_told_on_one_short_line() -> None:
    with pytest.raises(TemplateError) as caught:
        _render("{{ raise_exception('roles must\n\x1b[2J alternate' + 'x' * 1000) }}")
    assert "refused the messages: roles must" in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [None, 5, ["a"], {"a": 1}])
def test_content_that_a_template_cannot_use_is_a_template_error(content: object) -> None:
    template = ChatTemplate("{% for m in messages %}{{ 'x' + m.content }}{% endfor %}")
    with pytest.raises(TemplateError, match="content it understands"):
        template.render([{"role": "user", "content": content}], {})


@pytest.mark.parametrize("source", ["{% for %}", "{{", "{% nope %}", "x" * 2_000_000])
def test_what_is_no_template_is_refused_when_it_is_loaded(source: str) -> None:
    with pytest.raises(TemplateError, match="chat template"):
        ChatTemplate(source)
