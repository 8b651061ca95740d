resource "aws_security_group" "web" {
  # ruleid: terraform.aws-open-admin-port
  ingress {
    from_port   = 0
    to_port     = 65535
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  # ok: terraform.aws-open-admin-port
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  # ok: terraform.aws-open-admin-port
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
  # ok: terraform.aws-open-admin-port
  egress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
  # ruleid: terraform.aws-open-database-port
  ingress {
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = ["192.0.2.0/24", "0.0.0.0/0"]
  }
  # ok: terraform.aws-open-database-port
  ingress {
    from_port       = 5432
    to_port         = 5432
    protocol        = "tcp"
    security_groups = [aws_security_group.app.id]
  }
}

# ruleid: terraform.aws-open-admin-port
resource "aws_security_group_rule" "ssh" {
  type              = "ingress"
  from_port         = 22
  to_port           = 22
  protocol          = "tcp"
  cidr_blocks       = ["0.0.0.0/0"]
  security_group_id = aws_security_group.web.id
}

# ok: terraform.aws-open-admin-port
resource "aws_security_group_rule" "out" {
  type              = "egress"
  from_port         = 22
  to_port           = 22
  protocol          = "tcp"
  cidr_blocks       = ["0.0.0.0/0"]
  security_group_id = aws_security_group.web.id
}

# ruleid: terraform.aws-open-admin-port
resource "aws_vpc_security_group_ingress_rule" "rdp" {
  from_port   = 3389
  to_port     = 3389
  ip_protocol = "tcp"
  cidr_ipv4   = "0.0.0.0/0"
}

resource "aws_s3_bucket_acl" "site" {
  bucket = aws_s3_bucket.site.id
  # ruleid: terraform.aws-bucket-public-acl
  acl = "public-read"
}

resource "aws_s3_bucket_acl" "logs" {
  bucket = aws_s3_bucket.logs.id
  # ok: terraform.aws-bucket-public-acl
  acl = "log-delivery-write"
}

resource "aws_s3_bucket_public_access_block" "site" {
  bucket = aws_s3_bucket.site.id
  # ok: terraform.aws-public-access-block-off
  block_public_acls = true
  # ruleid: terraform.aws-public-access-block-off
  block_public_policy = false
}

# ruleid: terraform.aws-database-unencrypted
resource "aws_db_instance" "main" {
  engine = "postgres"
  # ruleid: terraform.aws-database-public
  publicly_accessible = false
}

# ok: terraform.aws-database-unencrypted
resource "aws_db_instance" "replica" {
  replicate_source_db = aws_db_instance.main.id
  # ok: terraform.aws-database-public
  publicly_accessible = false
}

# ok: terraform.aws-database-unencrypted
resource "aws_db_instance" "decided" {
  # ruleid: terraform.aws-encryption-off
  storage_encrypted = true
}

resource "aws_ebs_volume" "data" {
  # ok: terraform.aws-encryption-off
  encrypted = true
}

provider "aws" {
  region = "eu-central-1"
  # ruleid: terraform.aws-provider-credentials
  secret_key = "wJalrXUtnFEMI"
}

provider "aws" {
  alias = "localstack"
  # ok: terraform.aws-provider-credentials
  secret_key = "test"
}

data "aws_iam_policy_document" "admin" {
  # ruleid: terraform.aws-iam-allows-everything
  statement {
    actions   = ["*"]
    resources = ["*"]
  }
  # ok: terraform.aws-iam-allows-everything
  statement {
    effect    = "Deny"
    actions   = ["*"]
    resources = ["*"]
  }
  # ok: terraform.aws-iam-allows-everything
  statement {
    actions   = ["s3:*"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "admin" {
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # ruleid: terraform.aws-iam-allows-everything
      { Effect = "Allow", Action = "*", Resource = "*" },
      # ok: terraform.aws-iam-allows-everything
      { Effect = "Allow", Action = ["ec2:Describe*"], Resource = "*" },
    ]
  })
}

resource "aws_iam_policy" "document" {
  # ruleid: terraform.aws-iam-allows-everything
  policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": "*"}]
}
EOF
}

resource "aws_iam_policy" "narrow" {
  # ok: terraform.aws-iam-allows-everything
  policy = <<EOF
{
  "Version": "2012-10-17",
  "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]
}
EOF
}

resource "aws_iam_role" "open" {
  assume_role_policy = jsonencode({
    Statement = [
      # ruleid: terraform.aws-role-for-anyone
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } },
      # ok: terraform.aws-role-for-anyone
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } },
      # ok: terraform.aws-role-for-anyone
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = "*", Condition = { StringEquals = { "sts:ExternalId" = "x" } } },
    ]
  })
}

resource "aws_sqs_queue_policy" "open" {
  queue_url = aws_sqs_queue.q.id
  # ruleid: terraform.aws-resource-policy-for-anyone
  policy = <<POLICY
{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "arn"}]}
POLICY
}

resource "aws_sqs_queue_policy" "from_topic" {
  queue_url = aws_sqs_queue.q.id
  # ok: terraform.aws-resource-policy-for-anyone
  policy = <<POLICY
{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "arn",
  "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:sns:x"}}}]}
POLICY
}

resource "aws_instance" "old" {
  metadata_options {
    # ruleid: terraform.aws-metadata-v1
    http_tokens = "optional"
  }
}

resource "aws_instance" "new" {
  metadata_options {
    # ok: terraform.aws-metadata-v1
    http_tokens = "required"
  }
}

# ruleid: terraform.aws-listener-without-tls
resource "aws_lb_listener" "plain" {
  port     = 80
  protocol = "HTTP"
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }
}

# ok: terraform.aws-listener-without-tls
resource "aws_lb_listener" "redirect" {
  port     = 80
  protocol = "HTTP"
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "tls" {
  protocol = "HTTPS"
  # ruleid: terraform.aws-old-tls
  ssl_policy = "ELBSecurityPolicy-2016-08"
}

resource "aws_lb_listener" "tls12" {
  protocol = "HTTPS"
  # ok: terraform.aws-old-tls
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
}

resource "aws_cloudfront_distribution" "cdn" {
  default_cache_behavior {
    # ruleid: terraform.aws-cloudfront-plain-http
    viewer_protocol_policy = "redirect-to-https"
  }
  ordered_cache_behavior {
    # ok: terraform.aws-cloudfront-plain-http
    viewer_protocol_policy = "redirect-to-https"
  }
}

resource "aws_kms_key" "main" {
  # ruleid: terraform.aws-key-without-rotation
  enable_key_rotation = true
}

resource "aws_kms_key" "rotated" {
  # ok: terraform.aws-key-without-rotation
  enable_key_rotation = true
}

resource "aws_lambda_function_url" "hook" {
  function_name = "hook"
  # ruleid: terraform.aws-function-url-open
  authorization_type = "NONE"
}

resource "aws_lambda_function_url" "internal" {
  function_name = "internal"
  # ok: terraform.aws-function-url-open
  authorization_type = "AWS_IAM"
}

resource "aws_eks_cluster" "main" {
  vpc_config {
    # ruleid: terraform.aws-cluster-api-open
    public_access_cidrs = ["0.0.0.0/0"]
  }
}

resource "aws_eks_cluster" "office" {
  vpc_config {
    # ok: terraform.aws-cluster-api-open
    public_access_cidrs = ["192.0.2.0/24"]
  }
}

resource "aws_cloudtrail" "audit" {
  # ruleid: terraform.aws-trail-without-validation
  enable_log_file_validation = true
}

resource "aws_cloudtrail" "checked" {
  # ok: terraform.aws-trail-without-validation
  enable_log_file_validation = true
}
