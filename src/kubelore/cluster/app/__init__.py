"""A read-only Kubernetes API over a recording, for kubelore itself and for kubectl and other tools.

It refuses everything that would change a cluster, never evaluates who asks, and holds no state: the same
request has the same answer.

Start at `server.py` (paths), then `lists.py`; `table/` holds the columns that kubectl prints.
"""

from kubelore.cluster.app.server import create_app

__all__ = ["create_app"]
