# Blocks, expressions, templates.
locals {
  sum   = 1 + local.a.b[0] * -2
  names = [for s in var.list : upper(s) if s != ""]
  pick  = var.on ? "yes" : null
  map   = { "a" = 1, b = true, (var.c) = [1, 2] }
}

resource "aws_s3_bucket" "logs" {
  bucket = "logs-${var.env}"
  count  = length(var.zones)

  versioning {
    enabled = true
  }

  policy = <<EOF
{"Statement": []}
EOF

  tags = merge(local.tags, {
    Name = "logs"
  })
}

provider aws {}
