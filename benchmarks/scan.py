"""What a scan costs beyond reading, on generated clusters of growing size.

usage: python benchmarks/scan.py [PODS ...]     default: 1000 5000 20000

Every size runs in a process of its own, so that its peak memory is its own. Services and events grow with
the pods (500 and 20,000 for 5,000 pods). `json` is the time that parsing the same objects takes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from generate import generate, write_snapshot

from kubelore.analysis.find import needs
from kubelore.cli.scan import find_all
from kubelore.cluster import open_snapshot

SIZES = (1000, 5000, 20000)
RUNS = 3


def measure(folder: Path) -> dict[str, float]:
    """Seconds and MiB for one snapshot folder."""
    begun = time.perf_counter()
    with closing(open_snapshot(folder)) as cluster:
        cluster.prefetch(needs())
        read = time.perf_counter() - begun
        after_reading = peak()
        scans = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            findings, _unread = find_all(cluster, "")
            scans.append(time.perf_counter() - begun)
    most = peak()
    begun = time.perf_counter()
    for file in sorted((folder / "objects").iterdir()):
        json.loads(file.read_bytes())
    return {
        "read": read, "scan": min(scans), "slowest": max(scans), "json": time.perf_counter() - begun,
        "findings": len(findings), "peak": most, "read_peak": after_reading,
    }  # fmt: skip


def peak() -> float:
    """Peak resident memory of this process so far, in MiB (Linux counts KiB, macOS bytes)."""
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
        return
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    per_pod = []
    heads = ("read", "scan", "slowest", "json", "scan/json", "read MiB", "peak MiB", "findings")
    print("  pods" + "".join(f"{head:>10}" for head in heads))
    for pods in sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "cluster"
            write_snapshot(folder, generate(pods, services=pods // 10, events=pods * 4))
            ran = subprocess.run((sys.executable, __file__, "--one", folder), capture_output=True, check=True)
        seen = json.loads(ran.stdout)
        per_pod.append(seen["scan"] / pods)
        figures = [f"{seen[key]:.2f} s" for key in ("read", "scan", "slowest", "json")]
        figures.append(f"{seen['scan'] / seen['json']:.1f}")
        figures += [f"{seen[key]:.0f}" for key in ("read_peak", "peak", "findings")]
        print(f"{pods:6}" + "".join(f"{figure:>10}" for figure in figures))
    print(f"seconds per pod, largest over smallest cluster: {per_pod[-1] / per_pod[0]:.2f} (1 is linear)")


if __name__ == "__main__":
    main()
