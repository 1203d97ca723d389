#!/bin/sh
# worker.sh SCHEDULER LIFETIME: one Dask worker in a job of HTCondor, for LIFETIME seconds.
set -eu
[ $# -eq 2 ] || { echo "usage: worker.sh SCHEDULER LIFETIME" >&2; exit 2; }
scratch=${_CONDOR_SCRATCH_DIR:-$PWD}
export HEPCOL_CACHE_DIR="${HEPCOL_CACHE_DIR:-$scratch/cache}" MPLCONFIGDIR="$scratch/cache/matplotlib"
if [ -d tls ]; then
    export DASK_CONFIG=tls
fi
if [ -f "${_CONDOR_CREDS:-}/wlcg.use" ]; then
    export BEARER_TOKEN_FILE="$_CONDOR_CREDS/wlcg.use"
fi
# HTCondor tells a job what it was given, in MB; without, as much as request_memory in worker.sub
memory=3000
if [ -f "${_CONDOR_MACHINE_AD:-}" ]; then
    memory=$(sed -n 's/^Memory *= *\([0-9][0-9]*\) *$/\1/p' "$_CONDOR_MACHINE_AD")
fi
# each leaves up to a tenth of its life earlier, so that they do not all leave at once
exec dask worker "$1" --nthreads 1 --memory-limit "${memory}MiB" --no-dashboard --local-directory "$scratch" \
    --death-timeout 120 --lifetime "$2 s" --lifetime-stagger "$(($2 / 10)) s"
