"""The name of a table of features: every input that its numbers depend on, hashed."""

from dataclasses import asdict, dataclass

from harness.files import canonical_json, digest_text


@dataclass(frozen=True, slots=True)
class FeatureKey:
    """Everything that the features of one part of a data set depend on.

    Attributes:
        weights_digest: of the backbone.
        precision: number format of the towers.
        image_size_px: side of the square image.
        mean: of the pixel normalisation.
        std: of the pixel normalisation.
        items_digest: paths, labels and order of the images.
        images_digest: of the image files; ``None`` for data that comes with a package.
        view: how the images were cropped.
        device: kind of device; kernels differ in the last bit.
        packages: versions of the packages that decode, resize and encode.
        architecture_digest: of the model that the weights are put into.
    """

    weights_digest: str
    precision: str
    image_size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    items_digest: str
    images_digest: str | None
    view: str
    device: str
    packages: tuple[tuple[str, str], ...]
    architecture_digest: str

    def digest(self) -> str:
        """SHA-256 over the canonical JSON of all inputs."""
        return digest_text(canonical_json(asdict(self)))
