"""Features of frozen networks as they lie on the disk: a file of tensors for each video, and a JSON product that
vouches for all of them. Trainings read them in place of running the network again in every epoch."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from saccade import files, products
from saccade.records import canonical, first_line

PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")  # video ids that are fit for file names as they are
ENDING = ".safetensors"


def file_name(video_id: str) -> str:
    """The file of a video's features: its id where that is plain, else a digest of it."""
    plain = PLAIN.fullmatch(video_id)
    return (video_id if plain else f"video-{hashlib.sha256(video_id.encode()).hexdigest()[:32]}") + ENDING


def write(folder: Path, video_id: str, tensors: Mapping[str, Tensor], identity: str) -> None:
    """Writes a video's features. `identity`: a digest of all that decides them."""
    # one entry: safetensors writes several in an order drawn by lot, and equal features would be other bytes
    metadata = {"made_of": _made_of(video_id, identity, tensors)}
    files.write_atomic(folder / file_name(video_id), lambda temporary: save_file(dict(tensors), temporary, metadata))


def is_current(file: Path, video_id: str, identity: str) -> bool:
    """Whether the file holds the features of that video and identity, whole: what was saved, bit by bit."""
    if not file.is_file():
        return False
    try:
        with safe_open(file, "pt") as stored:
            made_of = (stored.metadata() or {}).get("made_of")
        return bool(made_of == _made_of(video_id, identity, load_file(file)))
    except (SafetensorError, OSError):
        return False


def _made_of(video_id: str, identity: str, tensors: Mapping[str, Tensor]) -> str:
    """A sha256 of the video, the identity, and names, types, shapes and values of the tensors: safetensors would not
    notice a flipped bit."""
    found = hashlib.sha256(canonical([video_id, identity]).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(canonical([name, str(tensor.dtype), list(tensor.shape)]).encode())
        found.update(tensor.flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


class Features:
    """A phase's features of the training and validation videos: `features[video_id]` gives {name: tensor on the CPU}.

    A file is read when it is asked for, and checked the first time. Raises SaccadeError, which says how to make it
    again, where the product or a file isn't there or isn't what was written, and for a video that the product hasn't.
    """

    def __init__(self, product: Path) -> None:
        self.product, self._checked = product, set[str]()
        self.facts = products.read(product)
        self._files = products.beside(product)

    def __getitem__(self, video_id: str) -> dict[str, Tensor]:
        name = file_name(video_id)
        if name not in self._files:
            raise products.DamageError(
                self.product, f"has no features of video {video_id}, which isn't of train or val"
            )
        file = products.holds(self.product, name)
        if name not in self._checked:
            products.whole(file)
            self._checked.add(name)
        try:
            return load_file(file)
        except (SafetensorError, OSError) as error:
            raise products.DamageError(file, f"can't be read ({first_line(error)})") from None

    def need_made_of(self, root: Path, index: Path) -> None:
        """Raises SaccadeError where the features were computed of another index or with weights that are others by now:
        whoever trains by hand may have left them behind."""
        if self.facts["data"] != files.sha256(index):
            raise products.DamageError(self.product, f"was made of other data than {index} is of now")
        for product, was in self.facts["weights"].items():
            if products.read(root / product)["sha256"] != was:
                raise products.DamageError(self.product, f"was made with other weights than {product} has now")
