"""YAML without surprises."""

import re
from pathlib import Path
from typing import Any

import yaml

from saccade.records import SaccadeError

KEPT = ("null", "merge")  # of what YAML 1.1 makes of plain words

DEEPEST = 500
TAB = "; if it is a tab: indent with blanks"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # in C where PyYAML has it
    """YAML 1.2's booleans and floats (`off` is a word, `1e-3` a number), merge keys (`<<: *anchor`), and no key given
    twice. What YAML 1.1 would take for another number than it looks like (`010` is 8 there, `1_000` 1000, `12:30` 750)
    or for a date is text, which is refused where a number belongs."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag.removeprefix("tag:yaml.org,2002:") in KEPT]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        _refuse_keys_given_twice(node)
        return node


def _refuse_keys_given_twice(root: yaml.Node | None) -> None:
    """Keys are compared as they are written: a merged mapping (`<<`) may well give a key that its host gives
    otherwise."""
    waiting, known = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in known or not isinstance(node, yaml.CollectionNode):
            continue
        known.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(str(key.value))
            waiting += [key, value]


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+]?[0-9]+)?|(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"
    ),
    list("-+.0123456789"),
)


def read_yaml(file: Path) -> Any:
    """What the file says; raises SaccadeError where it isn't there or isn't valid."""
    try:
        text = Path(file).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SaccadeError(f"{file} does not exist") from None
    except UnicodeDecodeError as error:
        raise SaccadeError(f"{file}: not UTF-8 (byte {error.start}): save it as UTF-8") from None
    return parse_yaml(text, file)


def parse_yaml(text: str, where: object) -> Any:
    """What the text says, YAML or JSON; raises SaccadeError, which begins with `where`, in one line."""
    if _deepest(text) > DEEPEST:
        raise SaccadeError(f"{where}: not valid YAML: nested more than {DEEPEST} levels deep")
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SaccadeError(f"{where}: not valid YAML: {_in_one_line(error)}") from None
    except (ValueError, TypeError, LookupError) as error:  # a tag that its value doesn't fit: `!!int x`
        raise SaccadeError(f"{where}: not valid YAML: {error}") from None


def _deepest(text: str) -> int:
    """How deep brackets, list dashes and indentation may nest, at most: PyYAML's C code ends the process where it is
    tens of thousands."""
    depth = deepest = 0
    for bracket in re.findall(r"[][{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    chains = re.findall(r"(?:[-?:] +)+", text)
    return max([deepest, *(len(chain) // 2 for chain in chains), *(len(one) for one in re.findall(r"^ +", text, re.M))])


def _in_one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = [part for part in (getattr(error, "context", None), getattr(error, "problem", None)) if part]
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    text = " ".join((", ".join(said) or str(error)).split())
    return place + text + (TAB if text.endswith("cannot start any token") else "")
