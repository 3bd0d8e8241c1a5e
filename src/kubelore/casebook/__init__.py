"""The casebook: what was asked, seen and answered, what people said of it, and what that teaches.

`recorder` puts an investigation on record as it runs; `book` finds cases and takes judgements; `states`
says which cases teach, `effects` what a judgement means for other cases, `forgetting` what rules do; `recall`
finds the past cases that are like fresh evidence, among very many by `index`, over a `catalogue` of their
signs that is `kept` for a quick start; `lessons` shows two of them, in words that are `harmless`; `exchange`
and `arrival` let cases travel between teams; `replay` asks a question again of what was seen then; `drafts`
makes patterns of trusted cases; `document` is the form for machines. A journal of
what happened is the truth (`kubelore.cases`), `verify` checks it, and a `CaseStore` keeps it.

Everything kept is redacted. Never reads a cluster, never changes an investigation, and no full disk stops
one; what one cluster wrote never becomes an order in another investigation. Start at `recorder.Recorder`,
then `book.Casebook`.
"""
