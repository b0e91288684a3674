"""Markdown of answers becomes elements, and nothing in it becomes markup of its own."""

import random
from typing import Any, Final

import pytest

from tests.browser.modules import Modules

VIEW: Final = {"view": "markdown/view.js"}
# Blocks side by side, without what only makes them look good.
SHOW: Final = """
  return given.map((text) => {
    const target = document.createElement("div");
    new view.MarkdownView(target).update(text);
    for (const part of target.querySelectorAll("figcaption, .task")) part.remove();
    for (const one of target.querySelectorAll("*"))
      for (const { name } of [...one.attributes])
        if (!["href", "start"].includes(name)) one.removeAttribute(name);
    return target.innerHTML;
  });
"""
CASES: Final = {
    "a **b** _c_ ~~d~~ `e`": "<p>a <strong>b</strong> <em>c</em> <s>d</s> <code>e</code></p>",
    "***both***": "<p><em><strong>both</strong></em></p>",
    "snake_case_name 2 * 3 * 4": "<p>snake_case_name 2 * 3 * 4</p>",
    "**not closed": "<p>**not closed</p>",
    r"\*no\* \`no\`": "<p>*no* `no`</p>",
    "`` a ` b ``": "<p><code>a ` b</code></p>",
    "one\ntwo": "<p>one<br>two</p>",
    "# One\n### Three #": "<h3>One</h3><h5>Three</h5>",
    "- a\n- b\n  - c": "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>",
    "3. a\n4. b": '<ol start="3"><li>a</li><li>b</li></ol>',
    "1. a\n\n   more\n2. b": "<ol><li>a<p>more</p></li><li>b</li></ol>",
    "- [x] done": "<ul><li> done</li></ul>",
    "> a\n> > b": "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>",
    "---": "<hr>",
    "```python\nx = '<b>'\n```": "<figure><pre><code>x = '&lt;b&gt;'</code></pre></figure>",
    "```\nnot closed": "<figure><pre><code>not closed</code></pre></figure>",
    "|a|b|\n|-|-|\n|1|`x`|": (
        "<div><table><thead><tr><th>a</th><th>b</th></tr></thead>"
        "<tbody><tr><td>1</td><td><code>x</code></td></tr></tbody></table></div>"
    ),
    "[a](https://b.example/?c=1)": '<p><a href="https://b.example/?c=1">a</a></p>',
    "see https://b.example/c.": (
        '<p>see <a href="https://b.example/c">https://b.example/c</a>.</p>'
    ),
    "![a](https://b.example/c.png)": '<p><a href="https://b.example/c.png">a</a></p>',
    "[a](javascript:alert(1))": "<p>[a](javascript:alert(1))</p>",
    "[a](/admin/)": "<p>[a](/admin/)</p>",
    "<b>bold</b> &amp;": "<p>&lt;b&gt;bold&lt;/b&gt; &amp;amp;</p>",
}
# What elements of an answer there may be, and their attributes.
FOREIGN: Final = """
  const tags = new Set(("P H3 H4 H5 H6 HR BLOCKQUOTE UL OL LI FIGURE FIGCAPTION PRE CODE BUTTON"
    + " SPAN DIV TABLE THEAD TBODY TR TH TD EM STRONG S A BR").split(" "));
  const names = new Set(["href", "title", "rel", "target", "start", "class", "tabindex", "role",
    "aria-label", "scope", "type"]);
  const all = (target) => [...target.querySelectorAll("*")];
  const foreign = (target) => all(target).filter((one) => !tags.has(one.tagName)
    || [...one.attributes].some(({ name }) => !names.has(name))
    || (one.tagName === "A" && (!/^https?:$/.test(one.protocol)
      || one.rel !== "noopener noreferrer nofollow")));
"""
FUZZ: Final = (
    FOREIGN
    + """
  const wrong = [];
  for (const text of given) {
    const whole = document.createElement("div");
    const grown = document.createElement("div");
    document.body.append(whole, grown);
    new view.MarkdownView(whole).update(text);
    const growing = new view.MarkdownView(grown);
    for (let end = 0; end < text.length; end += 9) growing.update(text.slice(0, end));
    growing.update(text);
    if (foreign(whole).length || whole.innerHTML !== grown.innerHTML) wrong.push(text);
    whole.remove();
    grown.remove();
  }
  return wrong;
"""
)
PIECES: Final = [
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<!--"),
    *("](javascript:alert(1))", "](JaVaScRiPt:alert(1))", "](\tjava\nscript:alert(1))", "]("),
    *("](data:text/html,<script>alert(1)</script>)", "](vbscript:x)", '](https://a "onclick=1")'),
    *("https://a.example/\"onmouseover='alert(1)", "<https://a\u202e.example>", "http://", "h"),
    *("[", "]", "![", "(", ")", "*", "**", "_", "~~", "`", "```", "~~~", "\\", "|", "|-|-|", "||"),
    *(
        "\n",
        "\n\n",
        "\n> ",
        "\n- ",
        "\n1. ",
        "\n# ",
        "\n    ",
        "\n\t",
        "\r\n",
        " ",
        "  \n",
        "- [x] ",
    ),
    *(
        "word",
        "a",
        "&lt;",
        "&#106;avascript:",
        "\x00",
        "\u2028",
        "\ud83d\ude00",
        "é",
        "{{constructor}}",
    ),
]
HURTING: Final = [
    *(
        "[",
        "*a ",
        "_*",
        "`",
        "> ",
        "- ",
        "![](",
        "](",
        "|",
        "#",
        " ",
        "<h",
        "http://",
        "**a",
        "~~\n",
    ),
    *("``` ", "1. ", "a|\n", "[a](", "*_~~", "\\", "\n\n", "- a\n", "|-", "<http://a", "`a``"),
]


def test_markdown_becomes_elements(modules: Modules) -> None:
    shown = modules.run(VIEW, SHOW, list(CASES))
    assert dict(zip(CASES, shown, strict=True)) == CASES


def test_nothing_hostile_becomes_markup_however_it_arrives(modules: Modules) -> None:
    dice = random.Random(7)
    texts = ["".join(dice.choices(PIECES, k=dice.randint(2, 24))) for _ in range(500)]
    modules.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    assert modules.run(VIEW, FUZZ, texts) == []


def test_what_is_written_to_hurt_takes_no_time(modules: Modules) -> None:
    timed = """
      return given.map((piece) => {
        const target = document.createElement("div");
        const began = performance.now();
        new view.MarkdownView(target).update(piece.repeat(60_000 / piece.length));
        return [piece, Math.round(performance.now() - began)];
      }).filter(([, ms]) => ms > 10_000);  // it takes some 50 ms; quadratic would take minutes
    """
    assert modules.run(VIEW, timed, HURTING) == []


def test_blocks_that_did_not_change_keep_their_elements(modules: Modules) -> None:
    kept: Any = modules.run(
        VIEW,
        """
        const target = document.createElement("div");
        const markdown = new view.MarkdownView(target);
        markdown.update("# One\\n\\ntwo\\n\\nthr");
        const [first, second] = target.children;
        markdown.update("# One\\n\\ntwo\\n\\nthree");
        return [target.children[0] === first, target.children[1] === second, target.textContent];
        """,
    )
    assert kept == [True, True, "Onetwothree"]
