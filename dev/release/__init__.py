"""The steps of a release (cloudbuild.yaml) that are more than one command.

They run in the image of the Cloud SDK on a plain Python, so nothing here imports a package.
"""

DEPLOYED_PYTHON = "3.12"
