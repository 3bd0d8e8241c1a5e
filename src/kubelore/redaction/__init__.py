"""Takes secrets out of text and Kubernetes objects before anything is stored, shown or sent.

`redact` works on text, `redact_object` on parsed JSON; what they take for a secret is data, in
`rules.yaml`, where every rule carries examples and counter-examples. A secret becomes
`[redacted:KIND]`. Redacting twice changes nothing, time is linear in the input, and no input raises.

It never looks at a cluster, never decides what is worth showing, and keeps what diagnosis needs: names
of secrets and users, hosts, error messages, image digests and UIDs.

Start at `redact.py`; `keys.py` finds values by the name in front of them, `manifests.py` those of
Secrets that are written out, `objects.py` walks objects.
"""

from kubelore.redaction.keys import secret_kind
from kubelore.redaction.objects import redact_object
from kubelore.redaction.redact import redact

__all__ = ["redact", "redact_object", "secret_kind"]
