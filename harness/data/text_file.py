"""Text files of other people's, read whole."""

from __future__ import annotations

from pathlib import Path

from harness.errors import DataError, Fault


def read_text(path: Path, missing: str = "is missing.", mend: str = "") -> str:
    """The text of a file, without a byte order mark.

    Args:
        path: of the file.
        missing: what is said when it is not there.
        mend: what to do then.

    Raises:
        DataError: it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(Fault(str(path), missing, mend)) from None
    except OSError as error:
        raise DataError(Fault(str(path), f"cannot be read: {error.strerror}.")) from None
    except UnicodeDecodeError:
        raise DataError(Fault(str(path), "is not UTF-8 text.", "Save it as UTF-8.")) from None
