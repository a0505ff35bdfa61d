"""Configure a Google Cloud project from this repository with gcloud only.

It runs in the Cloud SDK's image on a plain Python, so nothing here imports a package.
"""
