"""Files that hold secrets: read only where nobody but their owner may read or change them."""

import os
from pathlib import Path


def private_text(path: Path, *, encoding: str) -> str | None:
    """The text of a file; None, unread, where others than its owner may read or change it.

    Only POSIX systems know who may. Raises `OSError` and `UnicodeDecodeError` where the file cannot be read.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "secret"
    ...     _ = path.write_text("hush", encoding="ascii")
    ...     path.chmod(0o600)
    ...     private_text(path, encoding="ascii")
    'hush'
    """
    exposed = os.name == "posix" and path.stat().st_mode & 0o077
    return None if exposed else path.read_text(encoding=encoding)
