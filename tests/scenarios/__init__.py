"""Incidents written from how Kubernetes behaves, to judge the engine on what it has not seen.

Each scenario is a function that breaks one thing in a `World` and returns the truth about it. Families
live in one module each; `corpus` collects them, `export` writes them as snapshot folders. Nothing here
reads the engine. Start at `builders.World`.
"""
