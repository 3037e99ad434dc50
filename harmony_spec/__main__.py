"""`python -m harmony_spec` is `harmony-spec`."""

from .cli.application import main

if __name__ == "__main__":
    main(prog_name="harmony-spec")
