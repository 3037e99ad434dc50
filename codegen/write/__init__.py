"""The source text of the codec and of the other generated files."""
