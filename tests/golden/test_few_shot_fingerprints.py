"""Published splits, their few-shot draws and their halves of classes, as the command line gives them.

``few_shot_fingerprints.json`` was recorded from the reference's own sampling code on the published split files: of
every draw the SHA-256 over lines ``path<TAB>label<TAB>class name``. The counts below are those of the same files.
The files themselves are other people's data, and named by ``HARNESS_TEST_SPLITS``.
"""

import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.cli import main
from harness.cli.commands import data
from harness.data.catalog import DATASETS
from harness.data.class_folders import read_class_names
from harness.data.classes import cut
from harness.data.dataset import read_split
from harness.data.draw import kept_classes
from harness.data.layout import SplitFile
from harness.data.split import PARTS
from harness.files import digest_text

GOLDEN = json.loads((Path(__file__).parent / "few_shot_fingerprints.json").read_text(encoding="utf-8"))


class Published(NamedTuple):
    """What is known of a published split; pairs are smallest and largest class, or base and new half.

    ``names`` is the start of the SHA-256 over one line a class name, in label order.
    """

    n_classes: int
    n_images: tuple[int, int, int]
    class_sizes: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    halves: tuple[int, int]
    n_test: tuple[int, int]
    names: str


PUBLISHED = {
    "caltech101": Published(
        100, (4128, 1649, 2465), ((16, 400), (6, 160), (9, 240)), (50, 50), (1549, 916), "04030f9999682bef"
    ),
    "oxford_pets": Published(
        37, (2944, 736, 3669), ((74, 80), (19, 20), (88, 100)), (19, 18), (1881, 1788), "956787e7fabada0b"
    ),
    "stanford_cars": Published(
        196, (6509, 1635, 8041), ((19, 54), (5, 14), (24, 68)), (98, 98), (4002, 4039), "538c706e79b29f52"
    ),
    "oxford_flowers": Published(
        102, (4093, 1633, 2463), ((20, 129), (8, 52), (12, 77)), (51, 51), (1053, 1410), "b82464f0bfb4f814"
    ),
    "food101": Published(
        101, (50500, 20200, 30300), ((500, 500), (200, 200), (300, 300)), (51, 50), (15300, 15000),
        "e2d699f9b5f65fb9",
    ),
    "sun397": Published(
        397, (15880, 3970, 19850), ((40, 40), (10, 10), (50, 50)), (199, 198), (9950, 9900), "299af56c243af7fe"
    ),
    "dtd": Published(
        47, (2820, 1128, 1692), ((60, 60), (24, 24), (36, 36)), (24, 23), (864, 828), "b5a36bd7012d5b01"
    ),
    "eurosat": Published(
        10, (13500, 5400, 8100), ((1000, 1500), (400, 600), (600, 900)), (5, 5), (4200, 3900), "c21a85e1ff819917"
    ),
    "ucf101": Published(
        101, (7639, 1898, 3783), ((58, 97), (14, 24), (28, 49)), (51, 50), (1934, 1849), "de6f552cdc00cf3b"
    ),
    "fgvc_aircraft": Published(
        100, (3334, 3333, 3333), ((33, 34), (33, 34), (33, 34)), (50, 50), (1666, 1667), "6e14e778b0a7c94c"
    ),
}  # fmt: skip

reading = cache(read_split)  # 210 commands on the same few files; a split is a frozen value


@pytest.fixture(scope="session")
def root(real_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with the published splits and empty image folders."""
    base = tmp_path_factory.mktemp("published")
    for name in PUBLISHED:
        layout = DATASETS[name].layout
        layout.image_base(base).mkdir(parents=True)
        folder = base / str(layout.folder)
        places = [place for place in layout.needs(base) if place.suffix]
        source = real_splits if isinstance(layout, SplitFile) else real_splits / name
        for place in places:
            (folder / place.name).write_bytes((source / place.name).read_bytes())
    return base


def test_golden_file_holds_all_draws() -> None:
    """Seven data sets with five shot counts and three seeds each were recorded."""
    assert len(GOLDEN) == 105
    assert set(GOLDEN) == {
        f"{name}/shot_{shots}-seed_{seed}"
        for name in {key.partition("/")[0] for key in GOLDEN}
        for shots in (1, 2, 4, 8, 16)
        for seed in (1, 2, 3)
    }


@pytest.mark.parametrize("part", ["train", "val"])
@pytest.mark.parametrize("draw", GOLDEN)
def test_printed_draw_has_the_references_fingerprint(
    root: Path,
    draw: str,
    part: str,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """The SHA-256 of what ``harness data draw`` prints; it needs no image."""
    monkeypatch.setattr(data, "read_split", reading)
    name, _, rest = draw.partition("/")
    shots, seed = (each.partition("_")[2] for each in rest.split("-"))
    options = ["--shots", shots, "--seed", seed, "--part", part, "--data", str(root)]
    assert main(["data", "draw", name, *options]) == 0
    printed = capsysbinary.readouterr().out
    assert hashlib.sha256(printed).hexdigest() == GOLDEN[draw][part]
    assert printed.count(b"\n") == GOLDEN[draw]["n"][part == "val"]
    if part == "train":
        assert printed.decode().startswith(GOLDEN[draw]["first"] + "\t")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_split_is_the_one_that_is_known(root: Path, name: str) -> None:
    """Images, sizes of classes and names of the file, and the catalog's row for it."""
    split, published, row = reading(DATASETS[name], root), PUBLISHED[name], DATASETS[name]
    sizes = [Counter(item.label for item in getattr(split, part)).values() for part in PARTS]
    assert tuple(sum(each) for each in sizes) == published.n_images == row.n_images
    assert tuple((min(each), max(each)) for each in sizes) == published.class_sizes
    assert len(split.class_names) == published.n_classes == row.n_classes
    assert row.smallest_class == published.class_sizes[0][0]
    assert split.class_names_digest.startswith(published.names)


@pytest.mark.parametrize("name", PUBLISHED)
def test_halves_of_published_splits(root: Path, name: str) -> None:
    """Base and new classes, and the test images of each."""
    split, published = reading(DATASETS[name], root), PUBLISHED[name]
    kept = [kept_classes(split, half, name) for half in ("base", "new")]
    assert tuple(map(len, kept)) == published.halves
    assert tuple(len(cut(split.test, half)) for half in kept) == published.n_test


@pytest.mark.parametrize("name", ["imagenet_a", "imagenet_r"])
def test_names_of_the_shifts_of_200_classes(real_splits: Path, name: str) -> None:
    """The catalog's digest is that of ImageNet's names at the set's own sorted folders."""
    names = read_class_names(real_splits / "imagenet_classnames_reconstructed.txt")
    assert digest_text("".join(f"{each}\n" for each in names.values())) == DATASETS["imagenet"].class_names_digest
    rows = [line.split() for line in (real_splits / f"{name}_wnids.txt").read_text(encoding="utf-8").splitlines()]
    wnids = [wnid for wnid in (row[1] for row in rows if len(row) > 1) if wnid in names]
    assert (len(wnids), sorted(wnids)) == (200, wnids)
    assert digest_text("".join(f"{names[wnid]}\n" for wnid in wnids)) == DATASETS[name].class_names_digest
