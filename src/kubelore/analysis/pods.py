"""Pods that are not placed, not set up, not ready, evicted or not going away."""

from __future__ import annotations
