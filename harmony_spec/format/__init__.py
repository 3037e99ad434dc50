"""What a codec says of its format, and the contents of messages."""
