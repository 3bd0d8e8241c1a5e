"""Runs kubelore on Cloud-OpsBench: recorded incidents whose evidence is the text that ten tools printed.

`cases` finds the cases, `recorded` answers calls from the recording and counts them, `gather` and `signs`
turn answers into objects and facts, `toolbox` answers kubelore's tools from these, `labels` translates
diagnoses into the benchmark's labels, `run` writes prediction lines. Nothing but a case's namespace,
question and tool answers is read here, and nothing knows a cause, a name or a wording of the benchmark but
`labels` and its table.

Start at `run`.
"""
