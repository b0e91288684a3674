"""What the admin must not show: who deleted a spent token there would let it be used again."""

from django.contrib import admin


def test_tokens_have_no_pages() -> None:
    assert "token_blacklist" not in {model._meta.app_label for model in admin.site._registry}
