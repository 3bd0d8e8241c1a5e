"""What a tree of documents says about all of them: address, licence, commit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urljoin

import yaml

from kubelore.knowledge.ingest.page import Page
from kubelore.packaged import SAFE_LOADER, packaged_yaml

MAX_CONFIG = 1 << 20
"""Bytes of a configuration or licence."""
CONFIGS = (
    "hugo.toml",
    "hugo.yaml",
    "hugo.yml",
    "config.toml",
    "config.yaml",
    "config.yml",
    "mkdocs.yml",
    "mkdocs.yaml",
)
FOLDERS = ("", "site/", "website/", "docs/", "doc/", "documentation/")
"""Where a repository keeps the pages of its site."""
LICENCE = re.compile(r"(?:licen[cs]e|copying)(?:[.-][\w.-]*)?", re.IGNORECASE)
LEGAL = re.compile(
    r"(?i:licen[cs]e|copying|notice|patents|code[._-]of[._-]conduct|authors|codeowners|owners|security_contacts)"
    r"(?:[-.][A-Z0-9.-]+)?(?i:\.(?:md|txt|rst|html))?"
)
"""Files beside documents that say nothing about their subject."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_STACK_EXCHANGE = re.compile(
    r"(?:[a-z-]+\.)*stackexchange\.com|stackoverflow\.com|serverfault\.com|superuser\.com|askubuntu\.com"
)

Read = Callable[[str], bytes]
"""At most `MAX_CONFIG` bytes of a file of the tree, by its path; raises KeyError when there is none."""


@dataclass(frozen=True, slots=True)
class Site:
    base: str = ""
    """Address under which the documents are."""
    content: str = ""
    """Folder of the tree that is at `base`, with a slash; empty for the tree itself."""
    within: str = ""
    """Folder of the tree that names are relative to, likewise."""
    pretty: bool = False
    """Whether `a/b.md` is at `a/b/`, as Hugo and MkDocs have it; else it is at `a/b.md`."""
    licence: str = ""
    version: str = ""
    whole_url: bool = False
    """`base` is the address of the one document there is."""

    def of(self, name: str, page: Page) -> Page:
        """The page with what it does not say itself."""
        return replace(
            page,
            url=self._url(name, page.url),
            licence=page.licence or self.licence,
            version=page.version or self.version,
        )

    def _url(self, name: str, own: str) -> str:
        if own.startswith(("https://", "http://")):
            return own
        if self.whole_url:
            return self.base
        place = self.within + name
        if not self.base or not place.startswith(self.content):
            return ""
        path = place.removeprefix(self.content)
        if own.startswith("/"):
            path = own.lstrip("/")
        elif self.pretty:
            path = _pretty(path)
        return urljoin(self.base.rstrip("/") + "/", quote(path))


def _pretty(path: str) -> str:
    place = PurePosixPath(path)
    stem = place.stem.lower()
    parent = "" if place.parent == PurePosixPath() else f"{place.parent}/"
    return parent.lower() if stem in ("index", "_index", "readme") else f"{parent}{place.stem}/".lower()


def site_of(read: Read, names: Callable[[], list[str]], base: str = "", version: str = "") -> Site:
    """What the files at the root of a tree, or of its site, say. `base` wins over them."""
    licence = next((_licence(read(n)) for n in names() if LICENCE.fullmatch(n)), "")
    if base:
        return Site(base, licence=licence, version=version)
    for folder, config in product(FOLDERS, CONFIGS):
        try:
            found = _config(config, read(folder + config))
        except KeyError:
            continue
        if found:
            return replace(found, content=folder + found.content, licence=licence, version=version)
    return Site(licence=licence, version=version)


def _config(name: str, content: bytes) -> Site | None:
    try:
        text = content.decode()
        # MkDocs has tags of its own, which a safe loader does not know
        lines = "\n".join(line for line in text.splitlines() if "!!" not in line and "!ENV" not in line)
        values = tomllib.loads(text) if name.endswith(".toml") else yaml.load(lines, Loader=SAFE_LOADER)  # noqa: S506
    except (ValueError, yaml.YAMLError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    known = {str(key).lower(): value for key, value in values.items()}
    base = known.get("site_url" if name.startswith("mkdocs") else "baseurl")
    if not isinstance(base, str) or not base.startswith(("https://", "http://")):
        return None
    return Site(base, _content(name, known), pretty=True)


def _content(name: str, config: Mapping[str, Any]) -> str:
    """The folder of the pages, of the default language where there are several."""
    if name.startswith("mkdocs"):
        folder = config.get("docs_dir", "docs")
    else:
        folder = config.get("contentdir", "content")
        languages = config.get("languages")
        default = str(config.get("defaultcontentlanguage", "en"))
        own = languages.get(default) if isinstance(languages, dict) else None
        if isinstance(own, dict):
            folder = {str(key).lower(): value for key, value in own.items()}.get("contentdir", folder)
    return f"{str(folder).strip('./')}/" if isinstance(folder, str) else ""


def _licence(content: bytes) -> str:
    """Its SPDX name, "" when it is not a usual one."""
    text = " ".join(content.decode("utf-8", "replace").split())[:20_000]
    return next((name for name, sentence in _licences().items() if sentence in text), "")


@cache
def _licences() -> Mapping[str, str]:
    found: dict[str, str] = packaged_yaml(__package__, "licences.yaml")["licences"]
    return found


def stack_exchange(path: str) -> str:
    """Address of the site that a dump is from, as the names of its file or folder have it."""
    for part in PurePosixPath(path).parts[-2:]:
        if match := _STACK_EXCHANGE.search(part.lower()):
            return f"https://{match[0]}"
    return ""


def checkout_of(folder: Path) -> Path:
    """The git checkout that a folder is in, the folder itself when it is in none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def commit_of(checkout: Path) -> str:
    """The commit that a git checkout is at, as far as it is known. git itself is not run: its configuration
    may name programs."""
    git = checkout / ".git"
    try:
        if git.is_file():  # a worktree or submodule
            git = git.parent / git.read_text(encoding="utf-8")[:4096].removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text(encoding="utf-8")[:4096].strip()
        if not head.startswith("ref: "):
            return head if _COMMIT.fullmatch(head) else ""
        reference = head.removeprefix("ref: ")
        shared = git / "commondir"
        roots = [git, git / shared.read_text(encoding="utf-8").strip()] if shared.is_file() else [git]
        return next((found for root in roots if (found := _reference(root, reference))), "")
    except (OSError, ValueError):
        return ""


def _reference(git: Path, reference: str) -> str:
    if ".." in PurePosixPath(reference).parts or not reference.startswith("refs/"):
        return ""
    if (git / reference).is_file():
        found = (git / reference).read_text(encoding="utf-8")[:200].strip()
        return found if _COMMIT.fullmatch(found) else ""
    packed = git / "packed-refs"
    for line in packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == reference and _COMMIT.fullmatch(commit):
            return commit
    return ""
