"""What signing up takes and answers."""

from typing import Any, Final

from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from rest_framework import serializers

from accounts.api.tokens.serializers import MAX_PASSWORD
from accounts.models import User

MAX_EMAIL: Final = 254


class SignUpSerializer(serializers.Serializer[Any]):
    """Who wants an account."""

    username = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    email = serializers.EmailField(
        required=False, allow_blank=True, default="", max_length=MAX_EMAIL
    )
    password = serializers.CharField(
        max_length=MAX_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the fields. Raises ValidationError for a password Django's validators refuse."""
        try:
            validate_password(
                attrs["password"], User(username=attrs["username"], email=attrs["email"])
            )
        except ValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class NewUserSerializer(serializers.Serializer[User]):
    """The new account."""

    id = serializers.IntegerField()
    username = serializers.CharField()
