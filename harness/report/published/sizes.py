"""How many test images the published figures are over."""

from __future__ import annotations

from collections.abc import Mapping

# Of the splits that CoOp published, and of ImageNet and its four shifts; all classes.
TEST_IMAGES: Mapping[str, int] = {
    "imagenet": 50_000,
    "caltech101": 2465,
    "oxford_pets": 3669,
    "stanford_cars": 8041,
    "oxford_flowers": 2463,
    "food101": 30_300,
    "fgvc_aircraft": 3333,
    "sun397": 19_850,
    "dtd": 1692,
    "eurosat": 8100,
    "ucf101": 3783,
    "imagenetv2": 10_000,
    "imagenet_sketch": 50_889,
    "imagenet_a": 7500,
    "imagenet_r": 30_000,
}
# The eleven data sets of the paper, over which its averages are, and the four shifts of ImageNet.
ELEVEN = tuple(TEST_IMAGES)[:11]
SHIFTS = tuple(TEST_IMAGES)[11:]
