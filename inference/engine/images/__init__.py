"""Image files: what a header says, and pixels. For gateway and runner, without torch."""
