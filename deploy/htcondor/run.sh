#!/bin/sh
# run.sh ARGUMENTS OF hepcol run: in a job of HTCondor, with the results in the folder "result", which is sent back.
set -eu
scratch=${_CONDOR_SCRATCH_DIR:-$PWD}
# the home of a job may be missing, or shared by all of them
export HEPCOL_CACHE_DIR="${HEPCOL_CACHE_DIR:-$scratch/cache}" MPLCONFIGDIR="$scratch/cache/matplotlib"
if [ -f "${_CONDOR_CREDS:-}/wlcg.use" ]; then
    export BEARER_TOKEN_FILE="$_CONDOR_CREDS/wlcg.use" # kept fresh by HTCondor, with use_oauth_services = wlcg
fi
mkdir -p result # that there is something to send back, whatever happens
exec hepcol run "$@" --output result
