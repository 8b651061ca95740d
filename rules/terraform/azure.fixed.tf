resource "azurerm_network_security_group" "main" {
  # ruleid: terraform.azure-open-admin-port
  security_rule {
    name                   = "ssh"
    direction              = "Inbound"
    access                 = "Allow"
    source_address_prefix  = "*"
    destination_port_range = "22"
  }
  # ok: terraform.azure-open-admin-port
  security_rule {
    name                   = "web"
    direction              = "Inbound"
    access                 = "Allow"
    source_address_prefix  = "*"
    destination_port_range = "443"
  }
  # ok: terraform.azure-open-admin-port
  security_rule {
    name                   = "deny"
    direction              = "Inbound"
    access                 = "Deny"
    source_address_prefix  = "*"
    destination_port_range = "22"
  }
}

# ruleid: terraform.azure-open-admin-port
resource "azurerm_network_security_rule" "rdp" {
  direction              = "Inbound"
  access                 = "Allow"
  source_address_prefix  = "Internet"
  destination_port_range = "3389"
}

resource "azurerm_storage_container" "site" {
  # ruleid: terraform.azure-storage-public
  container_access_type = "blob"
}

resource "azurerm_storage_container" "data" {
  # ok: terraform.azure-storage-public
  container_access_type = "private"
}

resource "azurerm_storage_account" "main" {
  # ruleid: terraform.azure-storage-plain-http
  enable_https_traffic_only = true
  # ruleid: terraform.azure-old-tls
  min_tls_version = "TLS1_2"
}

resource "azurerm_storage_account" "good" {
  # ok: terraform.azure-storage-plain-http
  enable_https_traffic_only = true
  # ok: terraform.azure-old-tls
  min_tls_version = "TLS1_2"
}

resource "azurerm_mssql_firewall_rule" "all" {
  # ruleid: terraform.azure-database-open
  start_ip_address = "0.0.0.0"
  end_ip_address   = "255.255.255.255"
}

resource "azurerm_mssql_firewall_rule" "azure" {
  # ok: terraform.azure-database-open
  start_ip_address = "0.0.0.0"
  end_ip_address   = "0.0.0.0"
}

resource "azurerm_kubernetes_cluster" "open" {
  # ruleid: terraform.azure-cluster-without-rbac
  role_based_access_control_enabled = true
}

resource "azurerm_kubernetes_cluster" "main" {
  # ok: terraform.azure-cluster-without-rbac
  role_based_access_control_enabled = true
}
