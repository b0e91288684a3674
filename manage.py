#!/usr/bin/env python3
"""Run an operator's command: `python manage.py help` lists them."""

import os
import sys


def main() -> None:
    """Hand the command line to Django."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aiplatform.settings")
    from django.core.management import execute_from_command_line

    # A module cannot have a dash in its name; a command reads better with one.
    name = [word.replace("-", "_") for word in sys.argv[1:2] if not word.startswith("-")]
    execute_from_command_line([sys.argv[0], *(name or sys.argv[1:2]), *sys.argv[2:]])


if __name__ == "__main__":
    main()
