"""Reading token ids as they arrive."""
