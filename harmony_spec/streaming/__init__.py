"""Reading token ids as they come."""
