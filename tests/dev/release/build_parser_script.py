"""Print a build file as gcloud parses it, as JSON; runs in gcloud's own Python."""

import sys
from pathlib import Path

root, file, *given = sys.argv[1:]
sys.path[:0] = [str(Path(root, "lib")), str(Path(root, "lib", "third_party"))]

from apitools.base.py import encoding  # type: ignore[import-not-found] # noqa: E402
from googlecloudsdk.api_lib.cloudbuild import (  # type: ignore[import-not-found] # noqa: E402
    cloudbuild_util,
    config,
)

build = config.LoadCloudbuildConfigFromPath(
    file, cloudbuild_util.GetMessagesModule(), dict(pair.split("=", 1) for pair in given)
)
sys.stdout.write(encoding.MessageToJson(build))
