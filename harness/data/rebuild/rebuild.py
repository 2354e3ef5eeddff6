"""CoOp's published splits made again from the data sets' own annotation files, where those determine them.

A split is given out only when it is the published one, byte for byte. The other data sets' splits depend on the
order in which a disk listed its files, and cannot be rebuilt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from harness.data.catalog import DATASETS
from harness.data.partition import cut_in_three, hold_out_fifth
from harness.data.rebuild.mat_file import read_mat
from harness.data.split import PARTS, Item, Split
from harness.data.split_files import split_json
from harness.data.text_file import read_text
from harness.errors import DataError, Fault, did_you_mean
from harness.files import parsed_json

_MOST_CLASSES = 1000
_MOST_FAULTS = 5  # entries of one file that are named one by one; a file of another kind has thousands

T = TypeVar("T")
S = TypeVar("S")


def rebuild_split(name: str, folder: Path) -> bytes:
    """The bytes of the published split file of a data set, made from its annotation files.

    Args:
        name: of the data set.
        folder: the data set's own folder, which ``REBUILDABLE`` is relative to.

    Raises:
        DataError: the data set is not one of ``REBUILDABLE``; files are missing, all of them named; files are not
            of their form, with their lines; or what they make is not the published split.
    """
    if name not in _SOURCES:
        mend = did_you_mean(name, list(_SOURCES))
        raise DataError(Fault(name, "its split cannot be rebuilt from annotation files.", mend))
    source = _SOURCES[name]
    paths = [folder / file for file in source.files]
    if absent := [str(path) for path in paths if not path.is_file()]:
        raise DataError(Fault(name, f"missing {', '.join(absent)}.", source.origin))
    try:
        split = source.split(*paths)
    except DataError as error:
        advice = Fault(name, "its split needs the annotation files as they were published.", source.origin)
        raise DataError([*error.faults, advice]) from None
    if split.digest != DATASETS[name].split_digest:
        sizes = ", ".join(f"{len(getattr(split, part))} {part}" for part in PARTS)
        what = (
            f"what {', '.join(source.files)} make ({sizes}) is not the published split: one of them was changed."
        )
        raise DataError(Fault(str(folder), what, source.origin))
    return split_json(split)


def _pets(train: Path, test: Path) -> Split:
    """Oxford Pets: lines ``IMAGE CLASS SPECIES BREED``; the class's name is that of its images."""

    def item(line: str) -> Item:
        image, label = _matched(r"(\S+) (\d+) \d+ \d+", line, "IMAGE CLASS SPECIES BREED")
        return Item(f"{image}.jpg", _from_one(int(label)), image.rpartition("_")[0].lower())

    return _official(lambda path: _each(_lines(path), item), train, test)


def _cars(train: Path, names: Path, test: Path) -> Split:
    """Stanford Cars: struct arrays with the fields ``fname`` and ``class``; the year goes to the front."""
    class_names = _each(_values(names, "class_names"), _year_first)

    def item(images: str, row: Any) -> Item:
        if not isinstance(row, dict) or not {"fname", "class"} <= set(row):
            raise ValueError("lacks the field `fname` or `class`; cars_test_annos.mat never has `class`")
        file, numbers = row["fname"], row["class"]
        if not _is_line(file) or not isinstance(numbers, list) or len(numbers) != 1:
            raise ValueError("must hold one file name and one class")
        label = _from_one(numbers[0], len(class_names))
        return Item(f"{images}/{file}", label, class_names[label])

    def items(path: Path) -> list[Item]:
        images = path.name.partition("_annos")[0]  # the folders are cars_train and cars_test
        return _each(_values(path, "annotations"), partial(item, images))

    return _official(items, train, test)


def _flowers(labels: Path, names: Path) -> Split:
    """Oxford Flowers: a class an image, images counted from 1; the authors' own split is not used."""
    class_names = _flower_names(names)
    found = _each(_values(labels, "labels"), _from_one)
    if nameless := sorted({str(label + 1) for label in found} - set(class_names), key=int):
        raise DataError(Fault(str(names), f"has no name for: {', '.join(nameless)}."))
    return cut_in_three(
        Item(f"image_{number:05d}.jpg", label, class_names[str(label + 1)])
        for number, label in enumerate(found, start=1)
    )


def _scenes(classes: Path, train: Path, test: Path) -> Split:
    """SUN397: lines ``/a/abbey/sun_x.jpg``; a class's inner folders are named from the inside out."""

    def class_folder(line: str) -> str:
        return _matched(r"(/\w/\S+)", line, "/LETTER/CLASS")[0]

    labels = {folder: label for label, folder in enumerate(_each(_lines(classes), class_folder))}

    def item(line: str) -> Item:
        folder, image = _matched(r"(/\w/\S+)(/[^/\s]+)", line, "/LETTER/CLASS/IMAGE")
        label = _label(folder, labels, classes)
        return Item(f"{folder}{image}"[1:], label, " ".join(reversed(folder.split("/")[2:])))

    return _official(lambda path: _each(_lines(path), item), train, test)


def _actions(classes: Path, train: Path, test: Path) -> Split:
    """UCF101: lines ``Class/video.avi``; classes are cut before each capital.

    The number that follows in the train list says the same as the file of classes.
    """

    def number_and_class(line: str) -> tuple[str, int]:
        number, action = _matched(r"(\d+) (\w+)", line, "NUMBER CLASS")
        return action, _from_one(int(number))

    labels = dict(_each(_lines(classes), number_and_class))

    def item(line: str) -> Item:
        action, video = _matched(r"(\w+)/(\S+)\.avi(?: \d+)?", line, "CLASS/VIDEO.avi")
        label = _label(action, labels, classes)
        name = "_".join(re.findall("[A-Z][^A-Z]*", action))
        return Item(f"{name}/{video}.jpg", label, name)

    return _official(lambda path: _each(_lines(path), item), train, test)


def _official(read: Callable[[Path], list[Item]], train: Path, test: Path) -> Split:
    """A data set's own training and test lists, with a fifth of the first held out to validate.

    Raises:
        DataError: what was wrong with both lists.
    """
    lists: list[list[Item]] = []
    faults: list[Fault] = []
    for path in (train, test):
        try:
            lists.append(read(path))
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    return Split(*hold_out_fifth(lists[0]), tuple(lists[1]))


def _each(entries: Iterable[tuple[str, S]], parse: Callable[[S], T]) -> list[T]:
    """What ``parse`` makes of every entry; an entry comes with its place.

    Raises:
        DataError: entries that are not of their form.
    """
    parsed: list[T] = []
    faults: list[Fault] = []
    for where, entry in entries:
        try:
            parsed.append(parse(entry))
        except ValueError as error:
            faults.append(Fault(where, f"{error}."))
    if len(faults) > _MOST_FAULTS:
        last = faults[_MOST_FAULTS - 1]
        more = len(faults) - _MOST_FAULTS
        faults[_MOST_FAULTS - 1 :] = [Fault(last.where, f"{last.what} {more} more entries are wrong.")]
    if faults:
        raise DataError(faults)
    return parsed


def _lines(path: Path) -> list[tuple[str, str]]:
    """Place and words of every line that holds something; lines that start with ``#`` are comments.

    Line ends, blanks and byte order marks are those of whatever editor touched the file last: none of them
    matters.

    Raises:
        DataError: the file cannot be read as text.
    """
    lines = enumerate(read_text(path).splitlines(), start=1)
    found = [(f"{path}:{number}", " ".join(line.split())) for number, line in lines]
    return [(where, line) for where, line in found if line and not line.startswith("#")]


def _values(path: Path, variable: str) -> list[tuple[str, Any]]:
    """Place and value of every element of a variable in a MATLAB file."""
    values = read_mat(path, variable)
    if not isinstance(values, list):
        raise DataError(Fault(str(path), f"{variable} must be an array."))
    return [(f"{path}: {variable}[{index}]", value) for index, value in enumerate(values)]


def _matched(form: str, line: str, shown: str) -> Sequence[str]:
    """The groups of a line of that form."""
    if found := re.fullmatch(form, line, re.ASCII):
        return found.groups()
    raise ValueError(f"{line[:80]!r} is not of the form `{shown}`")


def _from_one(number: Any, most: int = _MOST_CLASSES) -> int:
    """The label of a class that is counted from 1."""
    if not isinstance(number, int | float) or not 1 <= number <= most or number != int(number):
        raise ValueError(f"{number!r} is not the number of a class")
    return int(number) - 1


def _is_line(value: Any) -> bool:
    """Whether a value is one line of text: a split's digest separates its fields by tabs and line ends."""
    return isinstance(value, str) and value.isprintable()


def _label(name: str, labels: Mapping[str, int], source: Path) -> int:
    """The label of a class that has to be in ``source``."""
    if name not in labels:
        raise ValueError(f"{name!r} is not a class of {source.name}")
    return labels[name]


def _year_first(name: Any) -> str:
    """``2012 Audi TTS Coupe`` for ``Audi TTS Coupe 2012``."""
    if not _is_line(name) or " " not in name:
        raise ValueError(f"{name!r} is not a name that ends in a year")
    car, _, year = name.rpartition(" ")
    return f"{year} {car}"


def _flower_names(path: Path) -> dict[str, str]:
    """The names of Oxford Flowers' classes, by their numbers as text."""
    try:
        names = parsed_json(read_text(path))
    except ValueError as error:
        raise DataError(Fault(str(path), f"is not JSON: {error}.")) from None
    if not isinstance(names, dict) or not all(map(_is_line, names.values())):
        raise DataError(Fault(str(path), 'is not of the form `{"1": "pink primrose", ...}`.'))
    return names


@dataclass(frozen=True, slots=True)
class _Source:
    """Annotation files, relative to the data set's folder; what is made of them; and where they come from."""

    files: tuple[str, ...]
    split: Callable[..., Split]
    origin: str


_SOURCES: Mapping[str, _Source] = {
    "oxford_pets": _Source(
        ("annotations/trainval.txt", "annotations/test.txt"),
        _pets,
        "Unpack annotations.tar.gz of robots.ox.ac.uk/~vgg/data/pets.",
    ),
    "stanford_cars": _Source(
        ("devkit/cars_train_annos.mat", "devkit/cars_meta.mat", "cars_test_annos_withlabels.mat"),
        _cars,
        "Stanford's pages are gone; github.com/pytorch/vision/issues/7545 has links to the three files.",
    ),
    "oxford_flowers": _Source(
        ("imagelabels.mat", "cat_to_name.json"),
        _flowers,
        "Take imagelabels.mat of robots.ox.ac.uk/~vgg/data/flowers/102, and CoOp's cat_to_name.json.",
    ),
    "sun397": _Source(
        ("ClassName.txt", "Training_01.txt", "Testing_01.txt"),
        _scenes,
        "Take the lists of SUN397's own Partitions.zip; altered copies are about.",
    ),
    "ucf101": _Source(
        tuple(f"ucfTrainTestlist/{file}.txt" for file in ("classInd", "trainlist01", "testlist01")),
        _actions,
        "Unpack UCF101TrainTestSplits-RecognitionTask.zip of UCF101; altered copies spell HandstandPushups anew.",
    ),
}

REBUILDABLE: Mapping[str, tuple[str, ...]] = {name: source.files for name, source in _SOURCES.items()}
