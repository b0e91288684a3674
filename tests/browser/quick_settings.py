"""The platform's own settings, but that a password is digested in no time.

People sign in often in these tests; on a busy machine that took longer than what they came for.
"""

from aiplatform.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
