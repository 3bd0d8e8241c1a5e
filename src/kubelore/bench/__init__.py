"""Measures kubelore on recorded incidents and on labelled questions.

`cases` finds recordings and reads questions and labels, `incidents` asks and writes predictions,
`scoring` compares them with the truth, `questions` measures the matching of a question to patterns,
`calibration` whether probabilities mean what they say, `baselines` what simple guessing reaches, `report`
tells it all on one page.

Labels are read only after all predictions are made: nothing but a question and a recording reaches the
agent. Start at `incidents`.
"""
