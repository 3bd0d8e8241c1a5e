"""The Table form of lists: the columns that kubectl prints, computed as the API server does.

Ages are relative to when the recording was made.

Start at `render.py`; the columns of each kind are in `workloads.py`, `network.py` and `rest.py`.
"""

from kubelore.cluster.app.table.render import partial_metadata, render

__all__ = ["partial_metadata", "render"]
