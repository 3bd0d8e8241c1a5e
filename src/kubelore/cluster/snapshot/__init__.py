"""Recordings of clusters: reads three formats, from folders and archives, into one `Snapshot`.

Never runs, extracts or follows anything found in a recording, and blanks Secret values while loading.

Start at `load`. The formats: `recording.py` is kubelore's own (its docstring is the specification),
`dump.py` is `kubectl cluster-info dump --output-directory`, `bundle.py` is a Troubleshoot support bundle.
"""

from kubelore.cluster.snapshot.load import Recordings, load
from kubelore.cluster.snapshot.model import Listing, Snapshot

__all__ = ["Listing", "Recordings", "Snapshot", "load"]
