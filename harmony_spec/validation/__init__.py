"""What is wrong with a transcript: the mistakes in its form, and what it says that cannot be meant."""
