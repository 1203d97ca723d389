#!/bin/sh
# tls.sh DIR: a certificate for one cluster, and the settings with which Dask's scheduler, workers and clients demand it.
# They find them by DASK_CONFIG=DIR, where DIR is relative to the folder that each of them runs in. Whoever has the key
# may use the cluster, and nobody else.
set -eu
[ $# -eq 1 ] || { echo "usage: tls.sh DIR" >&2; exit 2; }
umask 077
mkdir "$1"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 -subj /CN=hepcol \
    -keyout "$1/key.pem" -out "$1/cert.pem" 2>"$1/openssl.log" || { cat "$1/openssl.log" >&2; exit 1; }
rm "$1/openssl.log"
cat >"$1/dask.yaml" <<END
distributed:
  comm:
    require-encryption: true
    tls:
      ca-file: $1/cert.pem
      scheduler: {cert: $1/cert.pem, key: $1/key.pem}
      worker: {cert: $1/cert.pem, key: $1/key.pem}
      client: {cert: $1/cert.pem, key: $1/key.pem}
END
