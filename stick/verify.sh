#!/bin/sh
# Checks every file on this stick against SHA256SUMS.
set -eu
cd -- "$(dirname -- "$0")"
exec sha256sum -c SHA256SUMS
