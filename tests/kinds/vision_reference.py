"""What transformers' own processor and `generate` make of messages with pictures, greedily.

`python -m tests.kinds.vision_reference DIRECTORY` reads {"messages": …, "pictures": [base64, …],
"max_tokens": …} and writes {"prompt": [ids], "text": …}: tests of the platform stay without torch.
"""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from tests.platform_process import REPOSITORY


def vision_reference(directory: Path, messages: Any, pictures: list[bytes], n: int) -> Any:
    """Return what the model in `directory` says, computed in a process of its own."""
    command = [sys.executable, "-m", "tests.kinds.vision_reference", str(directory)]
    packed = [base64.b64encode(one).decode() for one in pictures]
    asked = json.dumps({"messages": messages, "pictures": packed, "max_tokens": n})
    done = subprocess.run(
        command, cwd=REPOSITORY, input=asked, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def said(directory: Path, messages: Any, pictures: list[bytes], n: int) -> dict[str, Any]:
    """The same, in this process."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoTokenizer

    auto: Any = AutoModelForImageTextToText
    model = auto.from_pretrained(directory).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    processor = _processor(directory, tokenizer, model.config.model_type)
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    asked = {} if model.config.model_type == "llava" else {"do_image_splitting": False}
    images = [Image.open(io.BytesIO(one)).convert("RGB") for one in pictures]
    inputs = processor(
        text=[text], images=images or None, return_tensors="pt", add_special_tokens=False, **asked
    )
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=n, do_sample=False)
    prompt = inputs["input_ids"][0].tolist()
    made = out[0][len(prompt) :].tolist()
    return {"prompt": prompt, "text": tokenizer.decode(made, skip_special_tokens=True)}


def _processor(directory: Path, tokenizer: Any, family: str) -> Any:
    """SmolVLM's own needs torchvision, for videos; of pictures it makes what Idefics3's does."""
    from transformers import AutoImageProcessor, Idefics3Processor, LlavaProcessor

    read: Any = AutoImageProcessor
    images = read.from_pretrained(directory, backend="pil")
    template = tokenizer.chat_template
    made: Any
    if family == "llava":
        made = LlavaProcessor
        strategy = {"patch_size": 14, "vision_feature_select_strategy": "default"}
        return made(
            images, tokenizer, chat_template=template, num_additional_image_tokens=1, **strategy
        )
    made = Idefics3Processor
    return made(images, tokenizer, image_seq_len=4, chat_template=template)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    contents = [base64.b64decode(one) for one in given["pictures"]]
    answer = said(Path(sys.argv[1]), given["messages"], contents, given["max_tokens"])
    json.dump(answer, sys.stdout)
