#!/bin/sh
# Checks this stick and loads its images into Docker.
set -eu
cd -- "$(dirname -- "$0")"
sh ./verify.sh
sed -n 's/^    { "name": "\(images\.tar\.xz[.0-9]*\)".*/\1/p' bundle.json | while read -r part; do cat -- "$part"; done | docker load
