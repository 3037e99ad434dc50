"""The tables of a format, and the contents of its messages."""
