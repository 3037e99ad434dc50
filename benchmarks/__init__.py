"""How fast the package is, beside `openai-harmony` and `tiktoken`: `python -m benchmarks.run`."""
