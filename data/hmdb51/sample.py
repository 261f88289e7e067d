"""HMDB51 in miniature, as its lab serves it: a RAR of a RAR per class, a RAR of lists."""

from pathlib import Path
from typing import Any

SETTINGS: dict[str, object] = {"val_share": 0.3}  # in place of the card's
COUNTS = {edition: {"train": 8, "test": 4} for edition in ("", "1", "2", "3")}
HOST = "huggingface.co/datasets/Serrelab/hmdb51/resolve/main"
# Real names, some of them of films that are told from the class by its last mention alone; the last is used in no fold.
FILMS = {
    "cartwheel": ("(Rad)Schlag_die_Bank!", "turnles!!", "Zwei_Turnen(Part4)", "cartwheel_and_more"),
    "clap": ("#20_Rhythm", "show_your_smile_-)", "It's_a_clap_show", "A_few_good_men"),
}
TAGS = "f_cm_np1_le_med"


def publish(served: Path, tools: Any) -> None:
    """Two classes of four films, two clips each; of the other classes the lists are empty, and their RARs are left
    out."""
    classes = (Path(__file__).parent / "classes.txt").read_text(encoding="utf-8").split("\n")[:-1]
    inner, lists, number = dict[str, bytes](), dict[str, bytes](), 0
    for label in classes:
        films = FILMS.get(label, ())
        clips = {}
        for film in films:
            for take in (0, 1):
                number += 1
                clips[f"{film}_{label}_{TAGS}_{take}.avi"] = tools.clip(number, "avi", fps=30)
        if clips:
            archive = tools.made(served / "packing" / f"{label}.rar")
            tools.rar(archive, {f"{label}/{name}": data for name, data in clips.items()})
            inner[f"{label}.rar"] = archive.read_bytes()
            archive.unlink()
        for fold in (1, 2, 3):
            listed = [f"{name} {_mark(place // 2, fold)} \n" for place, name in enumerate(clips)]
            file = f"testTrainMulti_7030_splits/{label}_test_split{fold}.txt"
            lists[file] = "".join(listed).encode()
    tools.rar(tools.made(served / HOST / "hmdb51_org.rar"), inner)
    tools.rar(tools.made(served / HOST / "test_train_splits.rar"), lists)


def _mark(film: int, fold: int) -> int:
    """Of each fold one film is for testing; the last one is used in none."""
    return 2 if film == fold - 1 else 0 if film == 3 else 1
