output "service_urls" {
  description = "URL of each service. The relay and OpenTable call opentable-webhook."
  value       = { for name, service in google_cloud_run_v2_service.service : name => service.uri }
}
