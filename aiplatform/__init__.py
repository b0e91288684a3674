"""The project: settings, URLs, process entry points and what every part of it shares."""
