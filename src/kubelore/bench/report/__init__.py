"""What a benchmark's score is told in: one set of figures, one page, printed as Markdown or HTML.

`figures` turns a score into plain data (which is also the JSON output), `page` arranges the data as sections
of tables and plots, `plots` draws SVG, `markdown` and `html` print sections. `published.yaml` holds what
others have published.

It computes no score and asks nobody. Start at `figures`.
"""
