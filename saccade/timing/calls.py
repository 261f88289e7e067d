"""Which of a model's modules a prediction calls, and with what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Call:
    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def only_tensors(self) -> bool:
        return bool(self.args) and not self.kwargs and _only_tensors(self.args)

    @property
    def on_its_own(self) -> bool:
        """Whether the module is all that decides what it computes: no hook inside belongs to a module outside."""
        modules = set(self.module.modules())
        hooks = [
            hook
            for inner in modules
            for hook in (*inner._forward_pre_hooks.values(), *inner._forward_hooks.values())
            if inner is not self.module
        ]
        return all(getattr(hook, "__self__", None) in modules for hook in hooks)


def outermost_calls(model: nn.Module, run: Callable[[], object], below: str | None = None) -> list[Call]:
    """The first call that `run()` makes of each module that isn't called inside another one; paths are those in
    `model`. With `below`, the path of a module, only of modules inside it. Calls on the meta device, which only ask for
    a price, don't count."""
    found: dict[str, Call] = {}
    running: list[nn.Module] = []

    def enter(path: str) -> Callable[..., None]:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not running and not any(isinstance(value, Tensor) and value.is_meta for value in _leaves(args)):
                found.setdefault(path, Call(path, module, args, kwargs))
            running.append(module)

        return hook

    def leave(*_: Any) -> None:
        running.pop()

    handles = []
    for path, module in model.named_modules():
        if below is None or (path != below and f"{path}.".startswith(f"{below}." if below else "")):
            handles.append(module.register_forward_pre_hook(enter(path), prepend=True, with_kwargs=True))
            handles.append(module.register_forward_hook(leave))
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return list(found.values())


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]


def _only_tensors(value: Any) -> bool:
    return all(isinstance(leaf, Tensor) for leaf in _leaves(value))
