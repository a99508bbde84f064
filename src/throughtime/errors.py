"""Errors that the user can put right."""

from __future__ import annotations


class UserError(ValueError):
    """What was wrong, where, what was expected and what to do, in one line.

    The commands print it without a traceback and leave with exit status 2.
    """


def located(text: str, folder: object, file: object) -> str:
    """The text of an error with the file it is about, unless it names the folder or a file in it already."""
    return text if text.startswith((f"{folder}:", f"{folder}/", f"{folder}\\")) else f"{file}: {text}"


def needed(extra: str) -> str:
    """How to install what an extra of this package brings, as it was installed itself: from a clone, a wheel or an
    index; the argument of a shell."""
    import json
    from importlib import metadata
    from urllib.parse import unquote, urlparse

    try:
        said = json.loads(metadata.distribution("throughtime").read_text("direct_url.json") or "{}")
        address = urlparse(str(said.get("url", "")))
    except (metadata.PackageNotFoundError, ValueError, AttributeError):
        return f"pip install 'throughtime[{extra}]'"
    place = unquote(address.path) if address.scheme == "file" else "throughtime"
    return f"pip install '{place}[{extra}]'"
