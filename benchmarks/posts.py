"""A made-up dump of Stack Exchange, `Posts.xml`, of any size: questions, answers, code, names, rare words.

As a program it writes one file: python benchmarks/posts.py OUT --megabytes 200
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import numpy as np

SYLLABLES = ("ba", "co", "der", "en", "fu", "gri", "ho", "in", "ka", "lo", "mer", "no", "or", "pi", "qua",
             "re", "sta", "ti", "ur", "ven", "wa", "xi", "yo", "za")  # fmt: skip
FREQUENT = (
    "the to a in of is and i it pod that on for this with my not container kubernetes be cluster as service "
    "you but node have deployment are can from image error when at using kubectl by or namespace running am "
    "file if do so get run how log no port an will there which create what default volume all use set config"
)
VOCABULARY = 150_000
ZIPF = 1.05
ANSWERS = (0, 1, 1, 1, 2, 2, 3, 5)
"""Of a question; one of these."""
WORDS_OF_A_POST = (110, 0.7)
"""Median, and the spread of its logarithm."""
CODE_IN_POSTS = 0.6
PER_DRAW = 200_000
BEGIN = datetime(2016, 1, 1, tzinfo=UTC)


class Posts:
    """Rows of a dump, the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        weights = 1 / np.arange(1, VOCABULARY + 1) ** ZIPF
        self._shares = np.cumsum(weights) / weights.sum()
        self._shares[-1] = 1
        frequent = FREQUENT.split()
        self._vocabulary = [*frequent, *(_word(number) for number in range(VOCABULARY - len(frequent)))]
        self._drawn: list[str] = []
        self._number = 0

    def rows(self) -> Iterator[str]:
        """Question after question, for ever; the answers of one stand among the next ones."""
        waiting: list[str] = []
        while True:
            self._number += 1
            question, answers = self._number, int(self._random.choice(ANSWERS))
            known = answers and self._random.random() < 0.5
            accepted = f' AcceptedAnswerId="{question + 1}"' if known else ""
            title = escape(self._sentence(9).capitalize())
            tags = f"&lt;kubernetes&gt;&lt;{_word(int(self._random.integers(400)))}&gt;"
            yield self._row(1, f'{accepted} Title="{title}" Tags="{tags}" AnswerCount="{answers}"')
            yield from waiting
            waiting = []
            for _ in range(answers):
                self._number += 1
                waiting.append(self._row(2, f' ParentId="{question}"'))

    def _row(self, kind: int, more: str) -> str:
        time = (BEGIN + timedelta(minutes=self._number)).strftime("%Y-%m-%dT%H:%M:%S.000")
        score = int(self._random.geometric(0.3)) - 2
        return (
            f'  <row Id="{self._number}" PostTypeId="{kind}" CreationDate="{time}" Score="{score}" '
            f'Body="{escape(self._body())}" OwnerUserId="{self._number % 997}" '
            f'ContentLicense="CC BY-SA 4.0"{more} />\n'
        )

    def _body(self) -> str:
        median, spread = WORDS_OF_A_POST
        left = int(np.clip(self._random.lognormal(np.log(median), spread), 15, 3000))
        parts = []
        while left > 0:
            count = min(left, int(self._random.integers(12, 60)))
            left -= count
            parts.append(f"<p>{escape(self._sentence(count).capitalize())}.</p>\n")
        if self._random.random() < CODE_IN_POSTS:
            parts.insert(1, f"<pre><code>{escape(self._code())}</code></pre>\n")
        return "".join(parts)

    def _code(self) -> str:
        name, image = self._name(), self._name()
        replicas, port = self._random.integers(1, 9), self._random.integers(1024, 65535)
        lines = [f"  {self._sentence(1)}: {self._name()}" for _ in range(int(self._random.integers(2, 25)))]
        head = ["apiVersion: apps/v1", "kind: Deployment", "metadata:", f"  name: {name}", "spec:"]
        tail = [f"  replicas: {replicas}", f"  image: registry.example/{image}:1.{port % 40}",
                f"  containerPort: {port}"]  # fmt: skip
        return "\n".join((*head, *lines, *tail)) + "\n"

    def _sentence(self, words: int) -> str:
        if len(self._drawn) < words:
            places = np.searchsorted(self._shares, self._random.random(PER_DRAW))
            self._drawn = [self._vocabulary[place] for place in places]
        taken = " ".join(self._drawn[-words:])
        del self._drawn[-words:]
        return taken

    def _name(self) -> str:
        return f"{self._sentence(1)}-{self._random.integers(1 << 20):05x}"


def _word(number: int) -> str:
    """A word that can be spoken; each number has its own."""
    made = ""
    number += len(SYLLABLES)
    while number:
        number, place = divmod(number, len(SYLLABLES))
        made += SYLLABLES[place]
    return made


def write(path: Path, size: int) -> int:
    """A dump of about `size` bytes; returns how many posts are in it."""
    posts = 0
    with path.open("w", encoding="utf-8") as file:
        written = file.write('<?xml version="1.0" encoding="utf-8"?>\n<posts>\n')
        for row in Posts().rows():
            written += file.write(row)
            posts += 1
            if written >= size:
                break
        file.write("</posts>\n")
    return posts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--megabytes", type=int, default=50)
    given = parser.parse_args()
    posts = write(given.out, given.megabytes << 20)
    print(f"{given.out}: {posts:,} posts")


if __name__ == "__main__":
    main()
