"""TSM in the papers' tables: our count of each printed complexity cell, by running the shifted networks on the meta
device."""

from functools import cache

from saccade.cost.image_networks import (
    FRAME,
    gmacs,
    head_gmacs,
    head_million_parameters,
    million_parameters,
    network,
    resnet50_elements,
)
from saccade.cost.printed import CountedCell
from saccade.nn.shift import TemporalShift

FEATURES = {"resnet50": 2048, "mobilenet_v2": 1280}


@cache
def clip_gmacs(name: str, num_frames: int) -> float:
    """A clip of 224 x 224 frames through the shifted backbone, without a classifier."""
    return gmacs(TemporalShift(network(name)), (1, num_frames, *FRAME[1:]))


def tsm_gmacs(num_frames: int, num_classes: int) -> float:
    """ResNet-50 with the shift and a classifier on every frame."""
    return clip_gmacs("resnet50", num_frames) + num_frames * head_gmacs(FEATURES["resnet50"], num_classes)


def cells() -> list[CountedCell]:
    return [*_adafocus2021(), *_tcnn2022(), *_atfr2021()]


def _adafocus2021() -> list[CountedCell]:
    heads = 8 * head_gmacs(sum(FEATURES.values()), 174)
    rows = [
        (
            "TSM",
            tsm_gmacs(8, 174),
            "conv + linear, 174-way head on every frame, 8 frames of 224 x 224, one view",
            "agrees",
        ),
        (
            "TSM+",
            clip_gmacs("resnet50", 8) + clip_gmacs("mobilenet_v2", 8) + heads,
            "conv + linear, MobileNetV2 and ResNet-50 each on 8 frames of 224 x 224, one 174-way head on both "
            "features, one view",
            f"agrees; the head is {heads:.3f} of it, so print can't tell whether it runs per frame or once",
        ),
    ]
    keys = {"paper": "adafocus2021", "table": "Table 3", "column": "GFLOPs"}
    datasets = ("something-v1", "something-v2")
    return [
        CountedCell(row=row, dataset=data, ours=ours, rule=rule, note=note, **keys)
        for row, ours, rule, note in rows
        for data in datasets
    ]


def _tcnn2022() -> list[CountedCell]:
    normalisation = 8 * 2 * resnet50_elements()["BN"]
    with_it = {num_classes: f"{tsm_gmacs(8, num_classes) + normalisation:.2f}" for num_classes in (51, 101, 1000)}
    return [
        CountedCell(
            paper="tcnn2022",
            table=table,
            row="TSM",
            column="GFLOPs",
            dataset=dataset,
            ours=tsm_gmacs(8, num_classes),
            rule=f"conv + linear, {num_classes}-way head on every frame, 8 frames of 224 x 224, one view",
            note="frames and backbone are not stated, 8 of ResNet-50 fit; print is met by adding normalisation at 2 "
            f"per element: {with_it[num_classes]} (a 1000-way head would give {with_it[1000]})",
        )
        for table, dataset, num_classes in (("Table 2", "ucf101", 101), ("Table 3", "hmdb51", 51))
    ]


def _atfr2021() -> list[CountedCell]:
    keys = {"paper": "atfr2021", "table": "Table 8", "row": "TSM R50*", "dataset": "kinetics400"}
    parameters = million_parameters(network("resnet50")) + head_million_parameters(FEATURES["resnet50"], 400)
    cost = CountedCell(
        **keys,
        column="GFLOPs",
        ours=tsm_gmacs(16, 400),
        rule="conv + linear, 400-way head on every frame, 16 frames of 224 x 224, one of 10 views",
        note=f"agrees when cut to whole GMACs; frames are not stated, 16 fit (8 would be {tsm_gmacs(8, 400):.1f})",
    )
    size = CountedCell(
        **keys,
        column="Param",
        ours=parameters,
        rule="parameters of ResNet-50 and a 400-way head; the shift has none",
        note="agrees",
    )
    return [cost, size]
