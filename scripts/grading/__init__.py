"""Marking a handed-in notebook: handed_in reads, plan plans, kernel runs, judge judges, marking puts these together,
marks holds what they find, and report prints it."""
