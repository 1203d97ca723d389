#!/bin/sh
# Certificates for one Dask cluster: an authority, and one certificate that client, scheduler and workers share.
# Usage: certificates.sh FOLDER; who can read FOLDER can use the cluster, so it is closed to everybody else.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 365 -subj "/CN=hepcol cluster"
openssl req -newkey rsa:2048 -nodes -keyout node.key -out node.csr -subj "/CN=hepcol node"
openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -out node.pem
rm node.csr
