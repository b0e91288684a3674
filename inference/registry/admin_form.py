"""The form of a model in the admin: the fields of the registry in words for people."""

import re
from typing import Any, Final

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from inference.registry.models import Model

# What a source or a description needs; the admin gives texts of any length 20em.
_WIDE: Final = {"style": "width: min(100%, 50em); box-sizing: border-box"}


def with_code(text: str) -> SafeString:
    """Return a help text, which is Markdown in the API's schema, with its `code` as HTML."""
    return mark_safe(re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text)))  # noqa: S308  # escaped


_HELP: Final = {
    **{one.name: str(one.help_text) for one in Model._meta.concrete_fields if one.help_text},
    "default_temperature": "The model's authors usually recommend one.",
    "default_top_p": "",  # the heading says it
    "shared_prompts": "A JSON list of texts that requests of every user may begin with, such as "
    '`["You are a helpful assistant."]`: computed once for all.',
}


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]  # no generic at run time
    """What is asked when a model is added or changed."""

    class Meta:
        model = Model
        fields: Any = "__all__"  # the page's fieldsets choose
        labels = {
            "is_default": "Default of its task",
            "dtype": "Number format",
            "default_top_p": "Default top-p",
            "price_prompt": "Prompt tokens",
            "price_completion": "Completion tokens",
            "price_image": "Images",
        }
        help_texts = {name: with_code(text) for name, text in _HELP.items()}
        widgets = {name: AdminTextInputWidget(attrs=_WIDE) for name in ("description", "source")}
