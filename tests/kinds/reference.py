"""What transformers says of a text, computed in a process of its own: tests stay without torch.

`python -m tests.kinds.reference DIRECTORY` reads a JSON list of texts, or of pairs of texts, and
writes one list of numbers for each: a mean-pooled vector of length one, or a classifier's logits.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.platform_process import REPOSITORY


def reference(directory: Path, texts: list[Any]) -> list[list[float]]:
    """Return what the model in `directory` makes of each."""
    command = [sys.executable, "-m", "tests.kinds.reference", str(directory)]
    done = subprocess.run(
        command, cwd=REPOSITORY, input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    found: list[list[float]] = json.loads(done.stdout)
    return found


def _computed(directory: str, text: Any) -> list[float]:
    import torch
    from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    pair = text if isinstance(text, list) else [text]
    tokens = tokenizer(*pair, return_tensors="pt")
    embeds = (Path(directory) / "modules.json").exists()
    auto: Any = AutoModel if embeds else AutoModelForSequenceClassification
    model = auto.from_pretrained(directory).eval()
    with torch.no_grad():
        out = model(**tokens)
    if not embeds:
        return list(out.logits[0].tolist())
    mean = out.last_hidden_state[0].mean(dim=0)
    return list((mean / mean.norm()).tolist())


if __name__ == "__main__":
    given = json.load(sys.stdin)
    json.dump([_computed(sys.argv[1], one) for one in given], sys.stdout)
