"""Many scenes as files: in parallel, resumable, the same whatever the number of workers."""

import contextlib
import fcntl
import functools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from saccade import products
from saccade.code_hash import code_hash
from saccade.files import sha256, write_atomic
from saccade.processes import processes
from saccade.scenes import moments, truth
from saccade.scenes.digits import digit_arrays, use_digit_arrays
from saccade.scenes.encode import write_mp4
from saccade.scenes.render import Rendering, yuv_frames
from saccade.scenes.script import Scene, scene_to_dict
from saccade.scenes.sound import waveform

if TYPE_CHECKING:
    import pandas as pd


def video_path(raw: Path, scene: Scene) -> Path:
    return raw / scene.split / f"{scene.video_id}.mp4"


def write_scenes(scenes: list[Scene], rendering: Rendering, raw: Path, workers: int) -> "pd.DataFrame":
    """Renders below `raw` what isn't there yet. Gives back the per-frame truth of all scenes, in their order.

    A video is kept if its script says that it shows this scene in this rendering by this code, and if it still is the
    file that was written. Who renders below `raw` meanwhile, for a subset or for the whole, is waited for.
    """
    import pandas as pd  # here: the processes that render do without

    jobs = [_Job(scene, rendering, _code(), video_path(raw, scene)) for scene in scenes]
    for folder in {job.path.parent for job in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
    progress = functools.partial(tqdm, total=len(jobs), desc=f"{raw.name}: rendering", unit="video", mininterval=1.0)
    with _alone(raw):
        if workers <= 1:
            tables = [_write_one(job) for job in progress(jobs)]
        else:
            with processes(workers, use_digit_arrays, digit_arrays()) as pool:
                tables = list(progress(pool.map(_write_one, jobs, chunksize=4)))
    return pd.DataFrame({name: np.concatenate([table[name] for table in tables]) for name in tables[0]})


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Inside, other processes that ask for the same folder wait; not on file systems without locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"{folder.name}: another process renders these videos; waiting for it", flush=True)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class _Job:
    scene: Scene
    rendering: Rendering
    code: str
    path: Path


@functools.cache
def _code() -> str:
    """A hash of the code that turns a scene into a file."""
    here = Path(__file__).resolve()
    return code_hash(here.parents[2], [(here, "render_video")])


def _write_one(job: _Job) -> dict[str, Any]:
    """Writes one video and then its script, so that a script stands only beside a whole video. Gives back the truth
    about the video's frames."""
    script, about = job.path.with_suffix(".json"), moments if moments.holds(job.scene) else truth
    identity = {"scene": scene_to_dict(job.scene), "rendering": asdict(job.rendering), "code": job.code}
    if script.exists() and job.path.exists():
        if (known := _known(script, identity)) and products.is_whole(job.path):
            return about.frame_truth(job.scene, job.rendering, known["pixel_change"])
        script.unlink()  # removed first: after an interruption it must not stand beside another video
    pixel_change = render_video(job.scene, job.rendering, job.path)
    frames = about.frame_truth(job.scene, job.rendering, pixel_change)
    value = {
        **identity,
        "facts": about.video_facts(job.scene, frames),
        "pixel_change": pixel_change,
    }
    sealed = products.sealed(script, value, {job.path.name: sha256(job.path)})
    text = json.dumps(sealed, separators=(",", ":"), allow_nan=False)
    write_atomic(script, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return frames


def _known(script: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What the script says; None where it is damaged, or says that another scene was rendered, or otherwise."""
    try:
        known = products.read(script)
    except products.DamageError:
        return None
    return known if identity == {name: known.get(name) for name in identity} else None


def render_video(scene: Scene, rendering: Rendering, path: Path) -> list[float]:
    """Writes the video. Gives back, for each frame, the mean absolute change of luminance since the frame before, in
    [0, 1]; 0 for the first."""
    changes: list[float] = []
    size, frames, samples = (rendering.height, rendering.width), yuv_frames(scene, rendering), waveform(scene)
    watched = _watched(frames, rendering.height, changes)
    write_atomic(path, lambda temporary: write_mp4(temporary, watched, size, rendering.fps, rendering.crf, samples))
    return changes


def _watched(frames: Iterator[NDArray[np.uint8]], height: int, changes: list[float]) -> Iterator[NDArray[np.uint8]]:
    """The same frames, unchanged. The change of luminance of each is appended to `changes` on the way."""
    last = None
    for planes in frames:
        luminance = planes[:height].astype(np.int16)
        changes.append(0.0 if last is None else round(float(np.abs(luminance - last).mean()) / 219, 6))
        last = luminance
        yield planes
