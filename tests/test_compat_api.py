"""The drop-in has what `openai_harmony` has: names, parameters, defaults, fields, values, by introspection."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from enum import Enum
from typing import Any

import openai_harmony as theirs
import pytest
from pydantic import BaseModel

from harmony_spec import compat as ours

from . import peer
from .both import plain


def is_theirs(value: object) -> bool:
    return getattr(value, "__module__", "").startswith(theirs.__name__)


NAMES = sorted(name for name, value in vars(theirs).items() if not name.startswith("_") and is_theirs(value))
CLASSES = [name for name in NAMES if isinstance(getattr(theirs, name), type)]
FUNCTIONS = [name for name in NAMES if inspect.isfunction(getattr(theirs, name))]
MODELS = [name for name in CLASSES if issubclass(getattr(theirs, name), BaseModel)]
ENUMS = [name for name in CLASSES if issubclass(getattr(theirs, name), Enum)]


def test_all_public_names_are_here() -> None:
    """Those of `__all__`, and those that are imported though it lacks them. A type variable is nobody's to import."""
    assert len(CLASSES) == 19
    assert {*theirs.__all__, *CLASSES, *FUNCTIONS} == set(ours.__all__)
    assert {*NAMES} - set(ours.__all__) == {"T"}
    assert all(hasattr(ours, name) for name in ours.__all__)


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        (
            "pydantic",
            "ImportError: harmony_spec.compat needs pydantic, which the extra 'compat' installs: "
            "in a clone of harmony-spec, run: python -m pip install '.[compat]'",
        ),
        ("pydantic_core", "ModuleNotFoundError: import of pydantic_core halted; None in sys.modules"),
    ],
)
def test_an_import_without_pydantic_names_the_extra(missing: str, error: str) -> None:
    """If pydantic itself is broken, its own error is raised."""
    program = f"import sys; sys.modules[{missing!r}] = None; from harmony_spec import compat"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.stderr.splitlines()[-1] == error


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_take_the_same(name: str) -> None:
    assert parameters(getattr(ours, name)) == parameters(getattr(theirs, name))


def own_members(name: str) -> list[str]:
    """What a class of the peer defines itself, without what pydantic and Enum make of it."""
    made = vars(getattr(theirs, name))
    return [each for each in made if not each.startswith("_") or each in ("__init__", "__iter__", "__str__")]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_same_members(name: str) -> None:
    """Methods with the same parameters, class methods, static methods and properties as such."""
    for member in own_members(name):
        if name in MODELS and member.startswith("model_"):
            continue
        here = inspect.getattr_static(getattr(ours, name), member)
        there = inspect.getattr_static(getattr(theirs, name), member)
        if isinstance(there, (classmethod, staticmethod)):
            assert type(here) is type(there)
            here, there = here.__func__, there.__func__
        if inspect.isfunction(there):
            assert parameters(here) == parameters(there), (name, member)
        elif isinstance(there, property):
            assert isinstance(here, property), (name, member)
            assert here.fset is None


@pytest.mark.parametrize("name", MODELS)
def test_models_have_the_same_fields(name: str) -> None:
    """Names in order, which are required, defaults, and the JSON Schema that pydantic makes of the types."""
    here, there = getattr(ours, name), getattr(theirs, name)
    assert list(here.model_fields) == list(there.model_fields)
    for field in there.model_fields:
        mine, other = here.model_fields[field], there.model_fields[field]
        assert mine.is_required() == other.is_required()
        if not other.is_required():
            assert plain(mine.get_default(call_default_factory=True)) == plain(
                other.get_default(call_default_factory=True)
            )
    assert undescribed(here.model_json_schema()) == undescribed(there.model_json_schema())


def undescribed(schema: Any) -> Any:
    """A schema without docstrings; that a dictionary may hold anything is said or left out by spelling it."""
    if isinstance(schema, list):
        return [undescribed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: undescribed(value) for key, value in schema.items() if key != "description" or isinstance(value, dict)}
    return {key: value for key, value in kept.items() if (key, value) != ("additionalProperties", True)}


@pytest.mark.parametrize("name", ENUMS)
def test_enums_have_the_same_values(name: str) -> None:
    here, there = getattr(ours, name), getattr(theirs, name)
    assert [(each.name, each.value, str(each), repr(each)) for each in here] == [
        (each.name, each.value, str(each), repr(each)) for each in there
    ]
    assert [base.__name__ for base in here.__mro__] == [base.__name__ for base in there.__mro__]


def test_the_error_is_caught_as_the_same() -> None:
    assert [base.__name__ for base in ours.HarmonyError.__mro__] == [
        base.__name__ for base in theirs.HarmonyError.__mro__
    ]


@pytest.mark.parametrize("namespace", ["browser", "python"])
def test_the_built_in_tools_are_the_same(namespace: str) -> None:
    """Down to the order of their properties."""
    here, there = (getattr(module.ToolNamespaceConfig, namespace)() for module in (ours, theirs))
    assert here.model_dump_json() == there.model_dump_json()


def test_the_encodings_agree_on_their_tokens() -> None:
    here, there = ours.load_harmony_encoding("HarmonyGptOss"), peer._encoding()
    assert here.name == there.name
    assert here.special_tokens_set == there.special_tokens_set
    assert sorted(here.stop_tokens()) == sorted(there.stop_tokens())
    assert sorted(here.stop_tokens_for_assistant_actions()) == sorted(there.stop_tokens_for_assistant_actions())
    for token in [*range(199_990, 201_200), 0, 999_999]:
        assert here.is_special_token(token) == there.is_special_token(token)


@pytest.mark.parametrize("name", ["HarmonyGptOss", theirs.HarmonyEncodingName.HARMONY_GPT_OSS, "o200k_harmony", 3])
def test_encodings_load_by_the_same_names(name: Any) -> None:
    def loaded(module: Any) -> str:
        try:
            return str(module.load_harmony_encoding(name).name)
        except ValueError as error:
            return str(error)

    peer._encoding()
    assert loaded(ours) == loaded(theirs)


def test_what_is_public_is_documented() -> None:
    """Every name and every method says what it does."""
    for name in ours.__all__:
        value = getattr(ours, name)
        assert inspect.getdoc(value), name
        if isinstance(value, type):
            for member, found in vars(value).items():
                function = found.__func__ if isinstance(found, (classmethod, staticmethod)) else found
                if not member.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
                    assert function.__doc__, (name, member)


def test_messages_have_the_same_json() -> None:
    """Down to the bytes, both ways, also of contents with a structure."""
    texts = []
    for module in (ours, theirs):
        tool = module.ToolDescription.new("f", "A function.", {"type": "object", "properties": {}})
        developer = module.DeveloperContent.new().with_instructions("Be brief.").with_function_tools([tool])
        system = module.SystemContent.new().with_browser_tool().with_python_tool().with_required_channels(["final"])
        system = system.with_reasoning_effort(module.ReasoningEffort.HIGH).with_conversation_start_date("2026-01-01")
        system = system.with_model_identity("You are a test.").with_knowledge_cutoff("2025-01")
        message = module.Message.from_author_and_content(module.Author.new(module.Role.TOOL, "f"), "x")
        conversation = module.Conversation.from_messages(
            [
                module.Message.from_role_and_content(module.Role.SYSTEM, system),
                module.Message.from_role_and_contents(module.Role.DEVELOPER, [developer]),
                message.with_channel("final").with_recipient("r").with_content_type("json").adding_content("y"),
            ]
        )
        texts.append(conversation.to_json())
        back = module.Conversation.from_json(texts[-1])
        assert back == conversation
        assert [each.to_dict() for each in back] == json.loads(texts[-1])["messages"]
        assert repr(back) == repr(conversation)
    assert texts[0] == texts[1]
