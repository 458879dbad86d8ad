"""Where the submodules of a repository are, by its ``.gitmodules``."""

from __future__ import annotations

import configparser
import io
import posixpath
import re
from typing import TYPE_CHECKING

from git.config import GitConfigParser

if TYPE_CHECKING:
    from leadsman.source.url import RemoteUrl

MODULES_FILE = ".gitmodules"
LONGEST_MODULES_FILE = 1 << 20
DEEPEST = 10
_SECTION = re.compile(r'submodule "(.*)"')
_UP = ("./", "../")


def read_modules(data: bytes) -> dict[str, str]:
    """Map the path of each submodule to the URL that is written there.

    Raises:
        ValueError: it is not git's configuration syntax.
    """
    file = io.BytesIO(data)
    file.name = MODULES_FILE  # GitPython asks for it
    modules: dict[str, str] = {}
    try:
        with GitConfigParser(file, read_only=True, merge_includes=False) as parser:
            for section in filter(_SECTION.fullmatch, parser.sections()):
                path = parser.get(section, "path", fallback="")
                url = parser.get(section, "url", fallback="")
                if path and url:
                    modules[path] = url
    except configparser.Error as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return modules


def submodule_url(parent: RemoteUrl, url: str) -> str:
    """Return the URL of a submodule, whose own may be relative to its parent's.

    Source: gitmodules(5), ``submodule.<name>.url``.
    """
    if not url.startswith(_UP):
        return url
    place, _, path = parent.text.partition("://")[2].partition("/")
    joined = posixpath.normpath(posixpath.join("/", path.rstrip("/"), url))
    return f"{parent.scheme}://{place}{joined}"
