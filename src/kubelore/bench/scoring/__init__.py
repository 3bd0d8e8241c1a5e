"""Compares predictions with the truth: one scorer for all benchmarks.

`judge` holds the rules (what is right, what is broken) and the sums, `stats` the statistics; `incidents` and
`cloud_opsbench` read the lines and labels of one benchmark each and score nothing themselves.

It never looks at a recording, and a case that broke is never counted as wrong or left out. Start at `judge`.
"""
