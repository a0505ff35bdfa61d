"""Commands for operators, for a local run as well as for a Google Cloud project.

They call the staff API and the scheduled functions in this process. Settings and events therefore
take the same path as in production.
"""
