"""YAML without surprises."""

import re
from pathlib import Path
from typing import Any

import yaml

from saccade.records import SaccadeError


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # in C where PyYAML has it
    """YAML 1.2's booleans and floats (`off` is a word, `1e-3` a number), merge keys (`<<: *anchor`), and no key given
    twice."""

    yaml_implicit_resolvers = {
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")
        ]
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
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"),
    list("-+.0123456789"),
)


def read_yaml(file: Path) -> Any:
    try:
        return yaml.load(Path(file).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise SaccadeError(f"{file} does not exist") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SaccadeError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
