# What the payments service may read.
path "kv/data/prod/payments" {
  capabilities = ["read"]
}

path "kv/metadata/+/list" {
  capabilities = ["list"]
}
