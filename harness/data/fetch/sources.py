"""Where the data sets can be had: addresses, sizes and digests, one row a data set; nothing is loaded here.

Sizes and SHA-256 are those of tensorflow-datasets 4.9, MD5 those of torchvision 0.29. The split files are CoOp's;
their digests were taken from the files themselves. ``prompt_learning_dataset`` is the one mirror that holds nearly
all the data sets under their original file names. Parquet and webdataset copies are left out on purpose: they have
other splits, and mostly no file names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Web:
    """A file at an address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class Hub:
    """A file in a repository of the Hugging Face hub, or of the hub that ``HF_ENDPOINT`` names."""

    repository: str
    file: str
    revision: str
    kind: Literal["model", "dataset"]

    def __str__(self) -> str:
        return f"{self.repository} ({self.kind}) on the Hugging Face hub"


@dataclass(frozen=True, slots=True)
class Drive:
    """A file on Google Drive, which turns people away when too many ask for it."""

    id: str

    def __str__(self) -> str:
        return f"https://drive.google.com/uc?id={self.id}"


Place = Web | Hub | Drive


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file and the places where it can be had; with none, it comes from a mirror or by hand only.

    Attributes:
        name: of the file; what a mirror is asked for.
        places: where the very same bytes are, in the order in which they are tried.
        n_bytes: its size; ``None`` where it is not published.
        sha256: its digest; ``None`` where it is not published.
        md5: likewise; looked at only where there is no SHA-256.
    """

    name: str
    places: tuple[Place, ...] = ()
    n_bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where one data set can be had.

    Attributes:
        homepage: the authors' page.
        terms: what is known of its terms, in a sentence.
        download_bytes: about how much is downloaded; ``None`` where it is not published.
        images: the ways to the images, to be tried in their order; every way is the archives that it takes.
        split_files: the split files that can be had alone.
        dead: what is known not to work any more, for whoever has to look elsewhere.
        by_hand: how to get what no program may download; empty elsewhere.
    """

    homepage: str
    terms: str
    download_bytes: int | None
    images: tuple[tuple[RemoteFile, ...], ...]
    split_files: tuple[RemoteFile, ...] = ()
    dead: str = ""
    by_hand: str = ""


CLASS_NAMES = RemoteFile("classnames.txt", (Drive("1-61f_ol79pViBFDG_IDlUQSwoLcn2XXF"),))
"""ImageNet's class names; their file's digest is not published, the names' is (``catalog``)."""

_NO_LICENCE = "No clear licence; see the authors' page before you use it."
_VGG = "https://www.robots.ox.ac.uk/~vgg/data"


def _split(dataset: str, sha256: str, n_bytes: int, drive: str) -> tuple[RemoteFile]:
    """A split file, in a repository of plain files (MIT) first."""
    name = f"split_zhou_{dataset}.json"
    commit = "ac9077ee4e422f768c9b9109551468605e33ec9a"
    url = f"https://raw.githubusercontent.com/linzhiqiu/cross_modal_adaptation/{commit}/splits/{name}"
    return (RemoteFile(name, (Web(url), Drive(drive)), n_bytes, sha256),)


def _mirrored(name: str, n_bytes: int | None = None, sha256: str | None = None) -> tuple[RemoteFile]:
    """An archive of the mirror of CoOp's data sets, pinned; where no digest is published, the hub says it."""
    place = Hub(
        "zhengli97/prompt_learning_dataset", name, "ceb3112337fb6e1bf71534e355ca5569b63f19a6", kind="model"
    )
    return (RemoteFile(name, (place,), n_bytes, sha256),)


def _eurosat(place: Place) -> tuple[RemoteFile]:
    sha256 = "8ebea626349354c5328b142b96d0430e647051f26efc2dc974c843f25ecf70bd"
    return (RemoteFile("EuroSAT.zip", (place,), 94_280_567, sha256),)


SOURCES: Mapping[str, Source] = {
    "imagenet": Source(
        homepage="https://www.image-net.org/",
        terms="Non-commercial research and education only, under terms that each person accepts at image-net.org.",
        download_bytes=154_642_401_280,
        images=(),
        by_hand=(
            "Get ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar from image-net.org with your own account, "
            "unpack both so that `train` and `val` hold a folder a class (nXXXXXXXX), and name the folder that "
            "holds the two: `harness data fetch imagenet --from DIR`."
        ),
    ),
    "caltech101": Source(
        homepage="https://data.caltech.edu/records/mzrjq-6wc02",
        terms="CC BY 4.0.",
        download_bytes=138_223_948,
        images=(
            (
                RemoteFile(
                    "caltech-101.zip",
                    (Web("https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"),),
                    137_414_764,
                    "331234750fc7f77520e50d9565e8b6907b03565e30320da1401130db08c61f91",
                ),
            ),
            _mirrored("caltech-101.zip"),
        ),
        split_files=_split(
            "Caltech101",
            "52ce83205ff8ff8a1a18119aad6376120ae35c36e783a984bc560cbf10e73fa5",
            809_184,
            "1hyarUivQE36mY6jSomru6Fjd-JzwcCzN",
        ),
        dead="the address at vision.caltech.edu (101_ObjectCategories.tar.gz)",
    ),
    "oxford_pets": Source(
        homepage=f"{_VGG}/pets/",
        terms="CC BY-SA 4.0.",
        download_bytes=792_643_188,
        images=(
            # Published size and SHA-256 are those of a copy on another machine; the MD5 is this address's.
            (
                RemoteFile(
                    "images.tar.gz",
                    (Web(f"{_VGG}/pets/data/images.tar.gz"),),
                    md5="5c4f3ee8e5d25df40f4fd59a7f44e54c",
                ),
            ),
            _mirrored("oxford_pets.zip"),
        ),
        split_files=_split(
            "OxfordPets",
            "d7f3ffe65b3919f95132e51422894ae18686b83c331fd8c0adcdc3dc2de6301e",
            724_217,
            "1501r8Ber4nNKvmlFVQZ8SeUHTcdTTEqs",
        ),
    ),
    "stanford_cars": Source(
        homepage="https://ai.stanford.edu/~jkrause/cars/car_dataset.html",
        terms=_NO_LICENCE,
        download_bytes=1_960_858_337,
        images=(
            _mirrored(
                "stanford_cars.zip",
                1_959_002_685,
                "50812812f33534ef2906b992762f96e8a5bb57b0eedc53800e91b7ed599abf8e",
            ),
            (
                RemoteFile(
                    "cars_train.tgz",
                    n_bytes=979_269_282,
                    sha256="512b227b30e2f0a8aab9e09485786ab4479582073a144998da74d64b801fd288",
                ),
                RemoteFile(
                    "cars_test.tgz",
                    n_bytes=977_350_468,
                    sha256="bffea656d6f425cba3c91c6d83336e4c5f86c6cffd8975b0f375d3a10da8e243",
                ),
            ),
        ),
        split_files=_split(
            "StanfordCars",
            "40acee7aa65c8e4727a32d90e884b7c3f8960b523422317e163f7af65432959d",
            1_855_652,
            "1ObCFbaAgVu0I-k_Au-gIUcefirdAuizT",
        ),
        dead="everything at ai.stanford.edu since 2023",
    ),
    "oxford_flowers": Source(
        homepage=f"{_VGG}/flowers/102/",
        terms=_NO_LICENCE,
        download_bytes=345_633_648,
        images=(
            (
                RemoteFile(
                    "102flowers.tgz",
                    (Web(f"{_VGG}/flowers/102/102flowers.tgz"),),
                    344_862_509,
                    "2d01ecc807db462958cfe3d92f57a8c252b4abd240eb955770201e45f783b246",
                ),
            ),
            _mirrored("oxford_flowers.zip"),
        ),
        split_files=_split(
            "OxfordFlowers",
            "2f50c42fc1a17ca13c271cb4269b1347bdb43d2be672e34f74a4e4cbfbcca794",
            771_139,
            "1Pp0sRXzZFZq15zVOzKjKBu4A9i01nozT",
        ),
    ),
    "food101": Source(
        homepage="https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        terms="No clear licence; see license_agreement.txt in the archive and the authors' page.",
        download_bytes=5_006_481_634,
        images=(
            (
                RemoteFile(
                    "food-101.tar.gz",
                    (Web("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz"),),
                    4_996_278_331,
                    "d97d15e438b7f4498f96086a4f7e2fa42a32f2712e87d3295441b2b6314053a4",
                ),
            ),
            _mirrored("food101.zip"),
        ),
        split_files=_split(
            "Food101",
            "7c3d456c4f348255e1a363e0ea5118318936488f3ec20d83758e0ee67cb9037c",
            10_203_303,
            "1QK0tGi096I0Ba6kggatX1ee6dJFIcEJl",
        ),
    ),
    "fgvc_aircraft": Source(
        homepage=f"{_VGG}/fgvc-aircraft/",
        terms="For research; no clear licence, see the authors' page before you use it.",
        download_bytes=None,
        images=(
            (
                RemoteFile(
                    "fgvc-aircraft-2013b.tar.gz",
                    (Web(f"{_VGG}/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz"),),
                    md5="d4acdd33327262359767eeaa97a4f732",
                ),
            ),
            _mirrored("fgvc_aircraft.zip"),
        ),
    ),
    "sun397": Source(
        homepage="https://vision.princeton.edu/projects/2010/SUN/",
        terms="Non-commercial research only.",
        download_bytes=39_082_041_786,
        images=(
            (
                RemoteFile(
                    "SUN397.tar.gz",
                    (Hub("zhengli97/SUN397_Dataset", "SUN397.tar.gz", "main", kind="model"),),
                    39_077_296_924,
                    "f404130965a7ad77bed5ececc71e720ab50f3cc1e1bb257257610d38f3b928ec",
                ),
            ),
            _mirrored(
                "sun397.zip",
                39_182_693_483,
                "ce6dee6685c9f1d592c8297e193dde885aa9c50d008fd998a38ccc57a3dda722",
            ),
        ),
        split_files=_split(
            "SUN397",
            "9847f9ef611008073ac42adee6614bbb83f877cfbcfbd3115fc8284e0c8c1c47",
            4_744_862,
            "1y2RD81BYuiyvebdN-JymPfyWYcd8_MUq",
        ),
        dead="SUN397.tar.gz at vision.princeton.edu since 2025",
    ),
    "dtd": Source(
        homepage=f"{_VGG}/dtd/",
        terms="For research; no clear licence, see the authors' page before you use it.",
        download_bytes=625_803_514,
        images=(
            (
                RemoteFile(
                    "dtd-r1.0.1.tar.gz",
                    (Web(f"{_VGG}/dtd/download/dtd-r1.0.1.tar.gz"),),
                    625_239_812,
                    "e42855a52a4950a3b59612834602aa253914755c95b0cff9ead6d07395f8e205",
                ),
            ),
            _mirrored("dtd.zip"),
        ),
        split_files=_split(
            "DescribableTextures",
            "f26ebeccd2b58e68d70f07a0dc39fe49bf7b69024bac34396b954dfd87969c38",
            563_702,
            "1u3_QfB467jqHgNXC00UIzbLZRQCg2S7x",
        ),
    ),
    "eurosat": Source(
        homepage="https://github.com/phelber/EuroSAT",
        terms="Made of Sentinel-2 data, which are free and open; copies are made with the author's leave.",
        download_bytes=97_287_059,
        images=(
            _eurosat(
                Hub("torchgeo/eurosat", "EuroSAT.zip", "c877bcd43f099cd0196738f714544e355477f3fd", kind="dataset")
            ),
            _mirrored("eurosat.zip"),
            _eurosat(Web("https://madm.dfki.de/files/sentinel/EuroSAT.zip")),
        ),
        split_files=_split(
            "EuroSAT",
            "541503a77d0b26b735d85ec7a3e672804fe0aa466c2e5f07da772cc6c0af8ad2",
            3_006_492,
            "1Ip7yaCWFi0eaOFUGga0lUdVi_DDQth1o",
        ),
        dead="madm.dfki.de has had an expired certificate",
    ),
    "ucf101": Source(
        homepage="https://www.crcv.ucf.edu/data/UCF101.php",
        terms=_NO_LICENCE,
        download_bytes=141_722_023,
        images=(
            _mirrored(
                "ucf101.zip", 140_164_538, "2fe1bd40e64408d02ff173badf744da557033ae6c75dd4ea51519366551f3ae6"
            ),
            (RemoteFile("UCF-101-midframes.zip", (Drive("10Jqome3vtUA2keJkNanAiFpgbyC9Hc2O"),)),),
        ),
        split_files=_split(
            "UCF101",
            "d78cb834f7c5792ceaff2c5ee2d7c76a9e4086e48a3a6b01232989d29cbefdd8",
            1_557_485,
            "1I0S0q91hJfsV9Gf4xDIjgDq4AqBNJb1y",
        ),
    ),
    "imagenetv2": Source(
        homepage="https://github.com/modestyachts/ImageNetV2",
        terms="No clear licence of the images; see the authors' page before you use it.",
        download_bytes=1_264_079_360,
        images=(
            (
                RemoteFile(
                    "imagenetv2-matched-frequency.tar.gz",
                    (Hub("vaishaal/ImageNetV2", "imagenetv2-matched-frequency.tar.gz", "main", kind="dataset"),),
                    1_264_079_360,
                    "f0c37fdf925916b19ea1323cd9a2208cdb6959ba2c32eef2a7fc393835c9ca7c",
                ),
            ),
            _mirrored("imagenetv2.zip"),
        ),
        dead="the bucket on Amazon S3 since 2023",
    ),
    "imagenet_sketch": Source(
        homepage="https://github.com/HaohanWang/ImageNet-Sketch",
        terms="No clear licence: the images were found by web search; see the authors' page before you use it.",
        download_bytes=7_593_573_012,
        images=(
            _mirrored("imagenet-sketch.zip"),
            (
                RemoteFile(
                    "ImageNet-Sketch.zip",
                    (Drive("1Mj0i5HBthqH1p_yeXzsg22gZduvgoNeA"),),
                    7_593_573_012,
                    "4d3ce6b82a7c48aabf14aeac105eb533e75707f152cc858f55bfc022031a72ed",
                ),
            ),
        ),
        dead="Google Drive often answers that too many people have asked",
    ),
    "imagenet_a": Source(
        homepage="https://github.com/hendrycks/natural-adv-examples",
        terms="No clear licence of the images; see the authors' page before you use it.",
        download_bytes=687_552_512,
        images=(
            (
                RemoteFile(
                    "imagenet-a.tar",
                    (Web("https://people.eecs.berkeley.edu/~hendrycks/imagenet-a.tar"),),
                    687_552_512,
                    "3bb3632277e6ba6392ea64c02ddbf4dd2266c9caffd6bc09c9656d28f012589e",
                ),
            ),
            _mirrored("imagenet-adversarial.zip"),
        ),
    ),
    "imagenet_r": Source(
        homepage="https://github.com/hendrycks/imagenet-r",
        terms="No clear licence of the images; see the authors' page before you use it.",
        download_bytes=2_191_079_936,
        images=(
            (
                RemoteFile(
                    "imagenet-r.tar",
                    (Web("https://people.eecs.berkeley.edu/~hendrycks/imagenet-r.tar"),),
                    2_191_079_936,
                    "18c6bf493b39a0d975d48e587437f562caab9c52ae6327dcfa9dd8eb54aa1b52",
                ),
            ),
            _mirrored("imagenet-rendition.zip"),
        ),
    ),
}
