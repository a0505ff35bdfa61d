locals {
  apis = [
    "artifactregistry",
    "cloudbuild",
    "cloudresourcemanager",
    "cloudscheduler",
    "cloudtasks",
    "clouderrorreporting",
    "firebase",
    "firebasehosting",
    "firebaserules",
    "firestore",
    "iam",
    "iamcredentials",
    "identitytoolkit",
    "logging",
    "monitoring",
    "run",
    "secretmanager",
    "serviceusage",
    "storage",
  ]
}

resource "google_project_service" "api" {
  for_each = toset(local.apis)

  service = "${each.key}.googleapis.com"

  # Other software may use the API.
  disable_on_destroy = false
}
