"""One investigation, from the question to the diagnosis.

`loop` runs it (the only loop there is), `opening` gives the first steps, `subject` finds what the
question names, `teacher` recalls lessons, and a decider chooses each further step: `playbook`
(offline), `model_decider` (any OpenAI-compatible endpoint) or `scripted` (tests and demos).

Never talks to a cluster except through tools, never writes a file. Start at `loop.Investigator`.
"""
