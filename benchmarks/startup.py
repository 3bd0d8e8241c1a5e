"""How long `kubelore --help`, `import kubelore` and loading the patterns take, beside a bare interpreter.

usage: python benchmarks/startup.py [RUNS]     prints one line each: median and slowest, in seconds
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

PYTHON = sys.executable
CASES = {
    "python -c pass": (PYTHON, "-c", "pass"),
    "import kubelore": (PYTHON, "-c", "import kubelore"),
    "load all patterns": (PYTHON, "-c", "from kubelore.patterns.load import load; load()"),
    "kubelore --help": (str(Path(PYTHON).with_name("kubelore")), "--help"),
}


def seconds(command: tuple[str, ...]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for name, command in CASES.items():
        seconds(command)  # the first run reads the files
        taken = sorted(seconds(command) for _ in range(runs))
        print(f"{name:17} median {statistics.median(taken):.3f} s, slowest {taken[-1]:.3f} s of {runs}")


if __name__ == "__main__":
    main()
