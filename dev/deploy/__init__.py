"""Brings a Google Cloud project to what the repository says, with gcloud alone.

It runs in the Cloud SDK's own image, on a bare Python: nothing here imports a package.
"""
