"""What the token endpoints take and answer."""

from typing import Any, Final

from rest_framework import serializers

MAX_PASSWORD: Final = 1_000  # characters; hashing takes longer the longer it is
MAX_TOKEN: Final = 4_096  # characters


class CredentialsSerializer(serializers.Serializer[Any]):
    """A person's name and password."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(
        max_length=MAX_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )


class RefreshSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=MAX_TOKEN)


class TokenSerializer(serializers.Serializer[Any]):
    """A token of either kind."""

    token = serializers.CharField(max_length=MAX_TOKEN)


class TokenPairSerializer(serializers.Serializer[Any]):
    """Both tokens. Send `access` as `Authorization: Bearer`; keep `refresh` for the next pair."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    token_type = serializers.CharField(read_only=True, default="Bearer")
    expires_in = serializers.IntegerField(help_text="Seconds that `access` is good for.")


class TokenFactsSerializer(serializers.Serializer[Any]):
    """What a good token is and until when."""

    token_type = serializers.ChoiceField(["access", "refresh"])
    username = serializers.CharField()
    expires_at = serializers.DateTimeField()
