# ruleid: json-in-string
resource "a" "b" { policy = <<EOF
{
  "Effect": "Allow",
  "Action": "*"
}
EOF
}
# ok: json-in-string
resource "a" "c" { policy = <<EOF
{"Action": "read"}
EOF
}
# ok: json-in-string
resource "a" "d" { policy = "not json at all" }
