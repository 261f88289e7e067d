"""The saved state of a training, so that a killed one goes on as if nothing had happened: one safetensors file,
replaced atomically.

It lies outside everything that Snakemake declares (and would wipe). It is removed when its phase is done. Nothing is
pickled.
"""

import contextlib
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from saccade.files import write_atomic
from saccade.records import SaccadeError, canonical, first_line


class Part(Protocol):
    """Whatever has a state to save: a model, an optimizer, a gradient scaler."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Checkpoint:
    """Keeps one phase's state in `file`; without a file it keeps nothing. `identity` says what the training is of:
    settings, code, data, first weights. A state of another identity isn't taken up. `minutes`: how often `keep` saves;
    0 means every time.

    A phase with a loop of its own does:

        facts = run.checkpoint.resume(model=run.model, optimizer=optimizer) or {"epoch": 0}
        for epoch in range(facts["epoch"], epochs):
            ...
            run.checkpoint.save({"epoch": epoch + 1}, model=run.model, optimizer=optimizer)

    and calls `keep` after each batch if an epoch is long.
    """

    def __init__(
        self,
        file: Path | None = None,
        identity: dict[str, Any] | None = None,
        minutes: float = 10.0,
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        self.file, self.identity, self.minutes, self.generators = file, identity or {}, minutes, generators
        self.resumed = 0  # how often this training has been taken up
        self.asked_to_stop = 0  # the signal's number
        self._saved = time.monotonic()

    def resume(self, **parts: Part) -> dict[str, Any] | None:
        """Puts the saved state into the parts and into the random generators. Gives back the facts saved with it; None
        where nothing was saved."""
        state = self._read()
        if state is None:
            return None
        try:
            for name, part in parts.items():
                part.load_state_dict(state["parts"][name])
        except (RuntimeError, KeyError, ValueError) as error:
            raise SaccadeError(
                f"{self.file} no longer fits the code ({first_line(error)}); remove it to start afresh"
            ) from None
        torch.set_rng_state(state["random"]["cpu"])
        if state["random"]["cuda"]:
            torch.cuda.set_rng_state_all(state["random"]["cuda"])
        for generator, value in zip(self.generators, state["random"]["generators"], strict=True):
            generator.set_state(value)
        self.resumed = state["resumed"] + 1
        facts: dict[str, Any] = state["facts"]
        return facts

    def save(self, facts: dict[str, Any], **parts: Part) -> None:
        """Saves now. `facts`: whatever else the loop needs to go on; it may hold numbers, text, lists, dicts and
        tensors."""
        if self.file is not None:
            random = {
                "cpu": torch.get_rng_state(),
                "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [],
                "generators": [generator.get_state() for generator in self.generators],
            }
            states = {name: part.state_dict() for name, part in parts.items()}
            self._write({"parts": states, "random": random, "facts": facts, "resumed": self.resumed})
        self._saved = time.monotonic()
        self._stop_if_asked()

    def keep(self, facts: dict[str, Any], **parts: Part) -> None:
        """Saves if a save is due. If the process was asked to stop, it saves and then stops the process."""
        if self.asked_to_stop or time.monotonic() - self._saved >= 60 * self.minutes:
            self.save(facts, **parts)

    def remove(self) -> None:
        """Called when the phase is done and its weights are written: nothing is left to resume."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)

    @contextlib.contextmanager
    def stoppable(self) -> Iterator[None]:
        """Inside this context, Ctrl-C and SIGTERM ask for a stop at the next `keep` or `save`, once the state is safe.
        A second Ctrl-C, a second later or more, stops at once. Repeated signals of a scheduler or of a dying parent
        don't."""
        asked_at, owner = 0.0, os.getpid()

        def ask(number: int, frame: Any) -> None:
            nonlocal asked_at
            if self.asked_to_stop:
                if number == signal.SIGINT and time.monotonic() > asked_at + 1:
                    _stop(number)
                return
            self.asked_to_stop, asked_at = number, time.monotonic()
            if os.getpid() == owner:  # the loader's workers inherit this handler
                print("saccade: stopping; the state of the training is saved first", file=sys.stderr, flush=True)

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop_if_asked(self) -> None:
        if self.asked_to_stop:
            _stop(self.asked_to_stop)

    def _write(self, state: dict[str, Any]) -> None:
        assert self.file is not None
        tensors: dict[str, Tensor] = {}
        metadata = {"state": json.dumps(_to_json(state, tensors)), "identity": canonical(self.identity)}
        metadata["sum"] = _sum(metadata, tensors)

        def write(temporary: Path) -> None:
            save_file(tensors, temporary, metadata=metadata)
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())  # a state that lost its content in a power cut would still have its name

        write_atomic(self.file, write)

    def _read(self) -> dict[str, Any] | None:
        if self.file is None or not self.file.is_file():
            return None
        try:
            with safe_open(self.file, "pt") as stored:
                metadata = stored.metadata()
                identity = json.loads(metadata["identity"])
                differ = sorted(
                    key for key in {*identity, *self.identity} if identity.get(key) != self.identity.get(key)
                )
                if differ:
                    print(
                        f"saccade: starting afresh: {self.file} was made with other {', '.join(differ)}",
                        file=sys.stderr,
                    )
                    return None
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 (no mapping)
            if metadata["sum"] != _sum(metadata, tensors):
                raise ValueError("its checksum differs from what was saved")
            state: dict[str, Any] = _from_json(json.loads(metadata["state"]), tensors)
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            print(f"saccade: starting afresh: {self.file} can't be read ({error})", file=sys.stderr)
            return None
        return state


def _stop(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def _to_json(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value with a reference in place of each tensor. The tensors go into `tensors`; keys of dicts keep their
    types.

    Strides are kept: an optimizer's state in another memory layout would be summed in another order.
    """
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name, "strides": list(value.stride()), "device": str(value.device)}
    if isinstance(value, dict):
        return {"dict": [[key, _to_json(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        return {"tuple" if isinstance(value, tuple) else "list": [_to_json(inner, tensors) for inner in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(f"a checkpoint keeps numbers, text, lists, dicts and tensors, not {type(value).__name__}")


def _sum(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """The sha256 of what is saved: safetensors itself would not notice a flipped bit."""
    found = hashlib.sha256(canonical([metadata["state"], metadata["identity"]]).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def _from_json(value: dict[str, Any], tensors: Mapping[str, Tensor]) -> Any:
    kind, inner = next(iter(value.items()))
    if kind == "tensor":
        flat = tensors[inner]
        tensor = torch.empty_strided(flat.shape, value["strides"], dtype=flat.dtype).copy_(flat)
        return tensor if value["device"] == "cpu" else tensor.to(value["device"])
    if kind == "dict":
        return {key: _from_json(one, tensors) for key, one in inner}
    if kind in ("list", "tuple"):
        items = [_from_json(one, tensors) for one in inner]
        return tuple(items) if kind == "tuple" else items
    return inner
