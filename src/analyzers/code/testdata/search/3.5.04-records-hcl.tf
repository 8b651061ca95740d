# ruleid: block, missing
resource "aws_lb" "open" {
  name     = "a"
  internal = false
}

# ok: block, missing
resource "aws_lb" "closed" {
  internal = true
  drop     = true
}

# ruleid: nested
resource "aws_security_group" "web" {
  ingress {
    cidr = ["10.0.0.0/8"]
  }
  ingress {
    port = 80
    cidr = ["10.0.0.0/8", "0.0.0.0/0"]
  }
}

# ok: nested
resource "aws_security_group" "db" {
  ingress {
    cidr = ["10.0.0.0/8"]
  }
  egress {
    cidr = ["0.0.0.0/0"]
  }
}

locals {
  policies = [
    # ruleid: object, object-with-more
    { Who = "*", Effect = "Allow" },
    # ok: object
    # ruleid: object-with-more
    { Who = "*", "Effect" = "Allow", Id = 1 },
    # ok: object, object-with-more
    { Effect = "Deny" },
  ]
  # ruleid: attribute
  key = lower(aws_kms_key.main.arn)
}

# ok: attribute
data "x" "y" { key = lower(aws_kms_key.main.id) }
