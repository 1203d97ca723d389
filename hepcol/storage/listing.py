"""Files that a pattern or a folder on a server stands for."""

import fnmatch
import re
import time
from typing import Any, NamedTuple
from urllib.parse import unquote, urljoin

from hepcol.errors import InputError, Missing, NoAnswer, StorageError, UnreadableFile
from hepcol.storage import servers
from hepcol.storage.addresses import HTTP, address_of, name_of, protocol, redacted, server_of
from hepcol.storage.failures import of_status
from hepcol.storage.s3 import s3_files, s3_server
from hepcol.storage.web import authorization, proxy_of, web_client
from hepcol.storage.xrootd import xrootd_files

_SUFFIX = ".root"
_MAGIC = re.compile(r"[*?\[]")
_QUERY = re.compile(r"\?[^?/]*=.*")  # a question mark before "=" begins the parameters of a URL
_LINK = re.compile(r"<a\s[^>]*href\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
_PAUSE_S, _RETRIES = 0.5, 2


class _Entry(NamedTuple):
    """What a folder has: its name there, and whether it is a folder, too."""

    name: str
    is_folder: bool


def expanded(source: str) -> list[str]:
    """Names of the files that a URL stands for: itself, those that a pattern matches, or those of a folder.

    Raises
    ------
    InputError
        If there are none, or the server does not say which.
    """
    query = _QUERY.search(source)
    beginning, parameters = (source[: query.start()], query.group()) if query else (source, "")
    if _MAGIC.search(beginning):
        found = _matching(beginning, parameters)
        nothing = "no file matches"
    elif beginning.endswith("/"):
        found = _matching(f"{beginning}*{_SUFFIX}", parameters)
        nothing = f"no *{_SUFFIX} file in this folder"
    else:
        return [name_of(source)]
    if not found:
        raise InputError(f"{redacted(source)}: {nothing}")
    return [name_of(path) for path in found]


def _matching(pattern: str, parameters: str) -> list[str]:
    """URLs that match a pattern, one folder after the other; ``*`` stays within one, and all have the parameters."""
    scheme, _, rest = pattern.partition("://")
    host, _, path = rest.partition("/")
    begun = [f"{scheme}://{host}/"]
    parts = path.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if _MAGIC.search(part):
            begun = [
                f"{folder}{entry.name}{'' if last else '/'}"
                for folder in begun
                for entry in _entries(folder, parameters)
                if entry.is_folder != last and fnmatch.fnmatchcase(entry.name, part)
            ]
        else:
            begun = [f"{folder}{part}{'' if last else '/'}" for folder in begun]
    return [f"{path}{parameters}" for path in sorted(begun)]


def _entries(folder: str, parameters: str) -> list[_Entry]:
    """List a folder, whose server is asked again if it does not answer at once."""
    name, tried = name_of(f"{folder}{parameters}"), 0
    while True:
        try:
            return sorted(set(_asked(folder, name)))
        except NoAnswer as error:
            tried += 1
            is_silent = servers.is_troubled(error.server)
            if not servers.is_worth_waiting(error.server) if is_silent else tried > _RETRIES:
                servers.settle(error)
                raise InputError(str(error)) from None
            time.sleep(_PAUSE_S)
        except Missing:
            raise InputError(f"{name}: no such folder") from None
        except (StorageError, UnreadableFile) as error:
            raise InputError(str(error)) from None


def _asked(folder: str, name: str) -> list[_Entry]:
    """Ask for what is in a folder."""
    kind = protocol(folder)
    if kind in HTTP:
        return servers.ask(server_of(folder), name, _of_web(folder, name))
    if kind == "s3":
        files = s3_files(name)
        question = files._ls(folder.partition("://")[2].rstrip("/"), detail=True, refresh=True)
        found = servers.ask(s3_server(files, name), name, question)
    else:
        files = xrootd_files(name)
        found = servers.ask(server_of(folder), name, files._ls(files._strip_protocol(address_of(name)), detail=True))
    return [
        _Entry(entry["name"].rstrip("/").rpartition("/")[2], entry["type"] == "directory")
        for entry in found
        if entry["name"].strip("/") != folder.partition("://")[2].strip("/")
    ]


async def _of_web(folder: str, name: str) -> list[_Entry]:
    """List a folder as the page says that a web server shows of it."""
    address = address_of(name)
    client: Any = await web_client()
    async with client, client.get(address, headers=authorization(address), proxy=proxy_of(address)) as answer:
        problem = of_status(answer.status, answer.reason or "", name, server_of(folder))
        if problem is not None:
            raise problem
        if answer.content_type != "text/html":
            raise UnreadableFile(f"{name}: the server shows no list of this folder; name its files one by one")
        page = await answer.text(errors="replace")
    entries = []
    for link in _LINK.findall(page):
        target = urljoin(folder, link.partition("?")[0].partition("#")[0])
        inside = target.removeprefix(folder)
        if target != inside and inside and "/" not in inside.rstrip("/"):
            entries.append(_Entry(unquote(inside.rstrip("/")), inside.endswith("/")))
    return entries
