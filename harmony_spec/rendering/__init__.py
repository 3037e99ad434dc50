"""Messages to token ids and text."""
