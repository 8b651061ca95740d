# ruleid: terraform.google-open-admin-port
resource "google_compute_firewall" "ssh" {
  source_ranges = ["0.0.0.0/0"]
  allow {
    protocol = "icmp"
  }
  allow {
    protocol = "tcp"
    ports    = ["80", "22"]
  }
}

# ok: terraform.google-open-admin-port
resource "google_compute_firewall" "web" {
  source_ranges = ["0.0.0.0/0"]
  allow {
    protocol = "tcp"
    ports    = ["443"]
  }
}

resource "google_storage_bucket_iam_member" "public" {
  role = "roles/storage.objectViewer"
  # ruleid: terraform.google-public-member
  member = "allUsers"
}

resource "google_storage_bucket_iam_binding" "team" {
  role = "roles/storage.objectViewer"
  # ok: terraform.google-public-member
  members = ["group:team@example.com"]
}

resource "google_project_iam_member" "ci" {
  # ruleid: terraform.google-owner-role
  role   = "roles/editor"
  member = "serviceAccount:ci@example.iam.gserviceaccount.com"
}

resource "google_project_iam_member" "viewer" {
  # ok: terraform.google-owner-role
  role   = "roles/viewer"
  member = "serviceAccount:ci@example.iam.gserviceaccount.com"
}

resource "google_sql_database_instance" "main" {
  settings {
    ip_configuration {
      authorized_networks {
        # ruleid: terraform.google-database-open
        value = "0.0.0.0/0"
      }
      authorized_networks {
        # ok: terraform.google-database-open
        value = "192.0.2.0/24"
      }
    }
  }
}

resource "google_container_cluster" "old" {
  # ruleid: terraform.google-legacy-authorization
  enable_legacy_abac = true
}

resource "google_container_cluster" "new" {
  # ok: terraform.google-legacy-authorization
  enable_legacy_abac = false
}
