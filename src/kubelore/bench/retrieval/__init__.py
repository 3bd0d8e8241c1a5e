"""Measures how well questions find patterns, and queries find documents.

`questions` asks labelled questions of the patterns in several ways, `fit` learns what the signs of a question
weigh, `documents` asks queries of documents in a knowledge base of their own, `incidents` asks recorded
incidents with and without what the investigation saw, `table` is what all of them give.

Never writes into the user's knowledge base. Start at `questions`.
"""
