#!/usr/bin/env bash
# check_source_tree.sh SOURCE CMAKE CC CXX: another project builds SOURCE as a part of itself, by add_subdirectory and by
# FetchContent, and runs. Without CUDA, and without optimization, which a project that asks for none must not be given.
set -euo pipefail
source=$1 cmake=$2
export CC=$3 CXX=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for way in add_subdirectory FetchContent; do
  echo "== $way"
  "$cmake" -S "$source/tests/package/consumers/source_tree" -B "$work/build" -DWAY=$way -DARLOSS_SOURCE="$source" \
    -DARLOSS_CUDA=OFF >/dev/null
  "$cmake" --build "$work/build" --parallel 2
  "$work/build/with_shared"
  "$work/build/with_static"
done

"$cmake" --install "$work/build" --prefix "$work/installed" >/dev/null
if [[ -e $work/installed ]]; then
  find "$work/installed"
  echo "arloss installed itself with a project that did not ask for it"
  exit 1
fi
