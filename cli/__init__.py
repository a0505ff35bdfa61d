"""What an operator does with a restaurant, on one's own machine and in a real project alike.

Every step is a call of the staff API or a run of the scheduled functions, made by their own code
without HTTP in between: there is no second way to write settings or to apply a change.
"""
