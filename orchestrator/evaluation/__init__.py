"""How well a folder with truths was read: pure scores, and a report made of them.

`truths` says what a file holds, `outcomes` what the pipeline made of it; the score files compare
the two and know nothing of each other; `measure` puts them together, `report` shows them.
"""
