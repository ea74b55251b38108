#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, in infra/docker/secrets; keeps those there are.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

word() {
  od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

# The folder is closed to others. The files are not: Compose mounts them with the mode they have
# here, and the processes in the containers are other users.
put() {
  [ -s "$1" ] || printf '%s\n' "$2" > "$1"
  chmod 444 "$1"
}

put postgres_password "$(word)"
put database_url "postgresql://sluice:$(cat postgres_password)@postgres:5432/sluice"
put rabbitmq_password "$(word)"
put broker_url "amqp://sluice:$(cat rabbitmq_password)@rabbitmq:5672//"
put qdrant_api_key "$(word)"
put webhook_token "$(word)"
put s3_access_key "sluice"
put s3_secret_key "$(word)"
put aws_credentials "[default]
aws_access_key_id = $(cat s3_access_key)
aws_secret_access_key = $(cat s3_secret_key)"
