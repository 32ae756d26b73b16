#!/usr/bin/env bash
set -euo pipefail

source ./lib/common.sh
. "$HOME/.env"

readonly LIMIT=10
export TARGET="production"
name=$(basename "$0")

# Prints a message.
log() {
  echo "[$name] $*"
}

function deploy {
  local version=$1
  log "deploying $version"
  run_remote "$version"
}

alias ll='ls -l'

deploy "$@"
