"""Law 11, and what an import costs: nothing touches the network; nothing heavy is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import socket, sys
def refuse(*_, **__): raise AssertionError("the network was touched")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
import harmony_spec
loaded = set(sys.modules)
text = harmony_spec.codec.EXAMPLE
messages = harmony_spec.parse(text).messages
assert harmony_spec.render_text(messages, style="as_parsed") == text
after_text = set(sys.modules)
assert harmony_spec.parse(harmony_spec.render(messages)).messages == messages
assert harmony_spec.from_json(harmony_spec.to_json(messages)) == messages
heavy = {"lark", "pydantic", "tiktoken", "jsonschema", "click", "rich", "harmony_spec.codegen", "codegen"}
print(sorted(heavy & loaded), sorted(heavy & after_text), "requests" in sys.modules)
"""


def test_nothing_touches_the_network_and_text_needs_no_vocabulary() -> None:
    found = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert found.stdout == "[] [] False\n", found.stdout + found.stderr


def test_the_command_line_touches_no_network() -> None:
    program = PROGRAM.split("import harmony_spec\n")[0] + "from harmony_spec.cli import main; main()"
    commands = (
        ["--version"],
        ["validate", "examples/tokens.jsonl"],
        ["parse", "examples/weather.txt"],
        ["render", "--tokens", "examples/conversation.json"],
        ["generate", "grammar"],
    )
    for arguments in commands:
        command = [sys.executable, "-c", program, *arguments]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
