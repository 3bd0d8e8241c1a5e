"""The casebook: what was asked, seen and answered, kept for later.

`document` gives one investigation as a JSON document, the form in which it is kept on disk and printed
for machines; `files` keeps one such file per investigation. Everything kept is redacted.

Never reads a cluster, never changes an investigation, and a full disk never stops one. Start at
`document.document`.
"""
