"""The default decider: investigates by the pattern library, without a model, a key or a network.

`relevance` says how far an object is from what was asked, `reason` ranks causes by that and by their
evidence and tells symptoms from causes, `decider` chooses the observation that separates the first
candidates, `answer` writes the diagnosis. Knows no pattern, no name and no wording by heart.
Start at `decider.Playbook`.
"""
