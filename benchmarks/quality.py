"""What int8 weights cost in quality: perplexity beside bfloat16, on the kernels that answer.

    python -m benchmarks.quality [directory of a prepared model]

The text is the prose of docs/, without tables, code and headings. It is cut into rows, and rows are
decoded together, each fed with the text's own tokens: every logit comes from the forward that
requests are answered with. Exits with 1 where int8 is worse by more than the bound for offering it.
"""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from benchmarks.floor import DEFAULT
from inference.engine.config import Dtype
from inference.engine.decoder import SlotDecoder
from inference.engine.process import core_count
from inference.engine.text.tokenizer import Tokenizer
from inference.engine.tiers import Tiers

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
ROW: Final = 256  # tokens
ROWS: Final = 32  # at once
BOUND: Final = 0.005  # more perplexity than this, and int8 is not offered
_NO_PROSE: Final = ("|", "#", "```", "    ", "<", "-", "1.")


def prose() -> str:
    """Return the paragraphs of the documents."""
    blocks = [
        block
        for path in sorted(DOCS.glob("*.md"))
        for block in path.read_text().split("\n\n")
        if not block.startswith(_NO_PROSE)
    ]
    return "\n\n".join(" ".join(block.split()) for block in blocks)


def batches(tokens: list[int]) -> Iterator[list[list[int]]]:
    """Give whole rows, as many together as run together."""
    rows = [tokens[at : at + ROW] for at in range(0, len(tokens) - ROW + 1, ROW)]
    for at in range(0, len(rows), ROWS):
        yield rows[at : at + ROWS]


def perplexity(decoder: SlotDecoder, tokens: list[int]) -> float:
    """Return e to the mean surprise at each token of a row but its first."""
    surprise, count = 0.0, 0
    for rows in batches(tokens):
        for at in range(ROW - 1):
            logits = decoder.decode([row[at] for row in rows], [at] * len(rows))
            following = torch.tensor([row[at + 1] for row in rows])
            surprise += float(cross_entropy(logits.double(), following, reduction="sum"))
            count += len(rows)
    return math.exp(surprise / count)


def build(directory: Path, dtype: Dtype) -> SlotDecoder:
    auto: Any = AutoModelForCausalLM
    model = auto.from_pretrained(directory, dtype=torch.bfloat16, local_files_only=True).eval()
    kernels = Tiers(dtype, slots=ROWS, context=ROW).all()[0]
    return kernels.build(model)


@torch.inference_mode()
def main() -> int:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    torch.set_num_threads(int(os.environ.get("THREADS", core_count())))
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tokens = Tokenizer.load(directory).encode(prose())
    rows = len(tokens) // ROW
    print(f"{rows * (ROW - 1)} tokens of docs/ are predicted, in {rows} rows of {ROW}\n")
    print("| weights | perplexity | |")
    print("|---|--:|--:|")
    exact = perplexity(build(directory, "bfloat16"), tokens)
    print(f"| bfloat16 | {exact:.4f} | |", flush=True)
    rounded = perplexity(build(directory, "int8"), tokens)
    print(f"| int8 | {rounded:.4f} | {rounded / exact - 1:+.3%} |")
    return int(rounded > exact * (1 + BOUND))


if __name__ == "__main__":
    sys.exit(main())
