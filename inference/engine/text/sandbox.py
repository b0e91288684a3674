"""Jinja as chat templates expect it, with no way out and no way to run or grow without end.

What jinja's own sandbox leaves open is time and memory: nested loops, recursive macros, strings
that double. Loop and macro bodies are therefore metered when a template is compiled, and every
operation that can make something much larger than its operands is checked before it is done.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import do_indent, make_attrgetter
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

_MAX_ITERATIONS: Final = 200_000
_MAX_CPU_SECONDS: Final = 2.0
# Characters of a string, items of a list. Above the largest prompt any model here can read.
_MAX_LENGTH: Final = 16 * 1024 * 1024
_MAX_INTEGER: Final = 2**64
# They pad to a width they are given, so a few characters of template can ask for gigabytes.
_PADDING_METHODS: Final = frozenset(
    {"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"}
)
_PADDING_FILTERS: Final = (
    "batch",
    "center",
    "filesizeformat",
    "format",
    "pprint",
    "slice",
    "urlize",
    "wordwrap",
)


class Refused(jinja2.TemplateError):
    """The template itself refuses the messages, or asked for more than it may use."""


class _Meter:
    def __init__(self) -> None:
        self.iterations = _MAX_ITERATIONS
        self.deadline = time.thread_time() + _MAX_CPU_SECONDS

    def tick(self) -> None:
        self.iterations -= 1
        # The clock is a system call; a loop's body cannot do much between two looks at it.
        late = self.iterations % 16 == 0 and time.thread_time() > self.deadline
        if self.iterations < 0 or late:
            raise Refused("it runs too long")


_meter: ContextVar[_Meter] = ContextVar("template_meter")


@contextmanager
def budget() -> Iterator[None]:
    """Bound the time that templates rendered inside may take, on this thread."""
    token = _meter.set(_Meter())
    try:
        yield
    finally:
        _meter.reset(token)


def tick() -> None:
    """Count one loop iteration or macro call. Raises Refused when the budget is used up."""
    _meter.get().tick()


def joined(*parts: object) -> str:
    """Do what `~` does, bounded."""
    return _join("", [str(part) for part in parts])


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment that chat templates are written for, as transformers made it customary."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        # Unoptimized: the optimizer would run constant expressions while compiling, unmetered.
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[loopcontrols, _GenerationTag],
            optimized=False,
        )
        for name in _PADDING_FILTERS:
            del self.filters[name]
        del self.globals["lipsum"]
        self.filters.update(
            tojson=_to_json, indent=_indent, replace=_replace_filter, join=_join_filter
        )
        self.globals.update(raise_exception=_raise_exception, strftime_now=_strftime_now)

    def compile_metered(self, source: str) -> jinja2.Template:
        """Compile `source` with its loops, macros and concatenations metered."""
        return self.from_string(_meter_tree(self.parse(source)))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Hide, beside what jinja hides, the string methods that pad to any width."""
        if isinstance(obj, str) and attr in _PADDING_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leave `str.format` to is_safe_attribute, which jinja asks only after this."""
        return

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        # Named as in jinja, so that a template may pass keyword arguments called self or obj.
        if __obj is tick:  # put there by us, into every loop
            return tick()
        receiver = getattr(__obj, "__self__", None)
        if isinstance(receiver, str):
            match __obj.__name__:
                case "replace":
                    return _replace(receiver, *args, **kwargs)
                case "join":
                    return _join(receiver, *args, **kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Do `left operator right` unless the result would be out of bounds."""
        if operator == "+" and type(left) is type(right) is str:  # most of what templates do
            _check_length(len(left) + len(right))
            return left + right
        _CHECKS[operator](left, right)
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and abs(result) > _MAX_INTEGER:
            raise Refused("it computes with numbers that are too large")
        return result


class _GenerationTag(Extension):
    """`{% generation %}` marks what the assistant wrote, for training; here it changes nothing."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _meter_tree(tree: nodes.Template) -> nodes.Template:
    repeated: list[nodes.For | nodes.Macro | nodes.CallBlock] = [
        *tree.find_all(nodes.For),
        *tree.find_all(nodes.Macro),
        *tree.find_all(nodes.CallBlock),
    ]
    for node in repeated:
        node.body.insert(0, nodes.ExprStmt(_call(tick, [])))
    return _BoundedConcatenation().visit(tree)  # type: ignore[no-any-return]


class _BoundedConcatenation(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Call:  # noqa: N802  (jinja's visitor)
        self.generic_visit(node)
        return _call(joined, node.nodes)


def _call(function: Callable[..., Any], arguments: list[nodes.Expr]) -> nodes.Call:
    name = nodes.ImportedName(f"{__name__}.{function.__name__}")
    return nodes.Call(name, arguments, [], None, None)


def _check_length(length: int) -> None:
    if length > _MAX_LENGTH:
        raise Refused(f"it makes something longer than {_MAX_LENGTH} characters")


def _check_sum(left: Any, right: Any) -> None:
    if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _check_length(len(left) + len(right))


def _check_product(left: Any, right: Any) -> None:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, str | list | tuple) and isinstance(times, int):
            _check_length(len(sequence) * times)


def _check_power(left: Any, right: Any) -> None:
    if isinstance(right, int) and right > 64:
        raise Refused("it computes with numbers that are too large")


def _check_remainder(left: Any, right: Any) -> None:
    if isinstance(left, str):
        raise Refused("it formats with %, which is not supported")


_CHECKS: Final[dict[str, Callable[[Any, Any], None]]] = {
    "+": _check_sum,
    "*": _check_product,
    "**": _check_power,
    "%": _check_remainder,
}


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    _check_length(len(text) + text.count(old) * len(new))
    return text.replace(old, new, count)


def _replace_filter(value: object, old: object, new: object, count: int = -1) -> str:
    return _replace(str(value), str(old), str(new), count)


def _join(separator: str, parts: Iterable[str]) -> str:
    texts = list(parts)
    _check_length(len(separator) * len(texts) + sum(map(len, texts)))
    return separator.join(texts)


@jinja2.pass_environment
def _join_filter(
    environment: jinja2.Environment,
    value: Iterable[object],
    d: object = "",
    attribute: str | int | None = None,
) -> str:
    if attribute is not None:
        value = map(make_attrgetter(environment, attribute), value)
    return _join(str(d), map(str, value))


def _indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = str(value)
    size = width if isinstance(width, int) else len(width)
    _check_length(len(text) + size * (text.count("\n") + 1))
    return do_indent(text, width, first, blank)


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """Not jinja's filter of that name, which escapes for HTML: a prompt is no web page."""
    if indent is not None and indent > 16:
        raise Refused("it indents by more than 16")
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise_exception(message: object) -> NoReturn:
    raise Refused(str(message))


def _strftime_now(pattern: str) -> str:
    # A width inside the pattern pads without bound.
    if len(pattern) > 100 or any(character.isdigit() for character in pattern):
        raise Refused("its date format is not supported")
    return datetime.now().strftime(pattern)
