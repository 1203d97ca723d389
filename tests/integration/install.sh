#!/bin/sh
# Installs the servers that the tests of this folder start: Slurm with munge, and XRootD with what checks tokens. Debian or Ubuntu, as root.
set -eu
missing=""
for pair in slurmctld:slurm-wlm munged:munge xrootd:xrootd-server xrdcp:xrootd-client; do
  PATH="$PATH:/usr/sbin" command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
done
ls /usr/lib/*/libXrdAccSciTokens-*.so >/dev/null 2>&1 || missing="$missing xrootd-scitokens-plugins"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed here, which needs root and apt-get:$missing; their tests are skipped" >&2
  exit 0
fi
apt-get update -q
# shellcheck disable=SC2086  # several packages
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
