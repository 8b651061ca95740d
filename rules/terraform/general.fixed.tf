variable "db_password" {
  type = string
  # ruleid: terraform.secret-in-default
  default = "kd83hs9dkf"
}

variable "api_key" {
  # ok: terraform.secret-in-default
  default = ""
}

variable "region" {
  # ok: terraform.secret-in-default
  default = "eu-central-1"
}

resource "aws_db_instance" "main" {
  # ruleid: terraform.secret-in-resource
  password = "kd83hs9dkf"
}

resource "aws_db_instance" "other" {
  # ok: terraform.secret-in-resource
  password = var.db_password
}

resource "aws_db_instance" "another" {
  # ok: terraform.secret-in-resource
  password = "${random_password.db.result}"
}

module "vpc" {
  # ruleid: terraform.module-from-branch
  source = "git::https://example.com/vpc.git"
}

module "dns" {
  # ok: terraform.module-from-branch
  source = "git::https://example.com/dns.git?ref=v1.2.0"
}

module "local" {
  # ok: terraform.module-from-branch
  source = "./modules/local"
}

terraform {
  backend "s3" {
    # ruleid: terraform.state-unencrypted
    encrypt = true
  }
}

terraform {
  backend "s3" {
    # ok: terraform.state-unencrypted
    encrypt = true
  }
}

provider "kubernetes" {
  # ruleid: terraform.provider-certificate-not-checked
  insecure = true
}

provider "helm" {
  # ok: terraform.provider-certificate-not-checked
  insecure = false
}
