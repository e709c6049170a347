#!/usr/bin/env bash
# Makes docker/region for compose.yaml: PostgreSQL, TLS for HTTP and MLLP, client certificates.
set -euo pipefail
cd "$(dirname "$0")"

docker build -f Dockerfile -t region-gateway ..
mkdir -p region
docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/setup" -w /setup region-gateway init /setup/region/new
mv region/new/* region/ && rmdir region/new

umask 077
od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > database.password
cp database.password region/keys/database.password
chmod 0400 region/keys/database.password

# The container listens on all its interfaces: TLS, and client certificates for MLLP.
sed -i \
    -e 's|^url = "sqlite:///gateway.db"|url = "postgresql+psycopg://gateway@database/gateway"\npassword_file = "keys/database.password"|' \
    -e 's|^listen = "127.0.0.1:8080"|listen = "0.0.0.0:8080"\ncertificate = "certificates/server.pem"\nkey = "certificates/server.key"\nca = "certificates/ca.pem"|' \
    -e 's|^base_url = "http:|base_url = "https:|' \
    -e 's|^listen = "127.0.0.1:2575"|listen = "0.0.0.0:2575"\ntls = { certificate = "certificates/server.pem", key = "certificates/server.key", ca = "certificates/ca.pem" }\npeers = ["0.0.0.0/0"]|' \
    region/gateway.toml
if [ "$(id -u)" = 0 ]; then chown -R 10001:10001 region; fi
echo "Made docker/region. The example token is in docker/region/keys/klinikum.token."
