#!/usr/bin/env bash
# check_torch_installed.sh BUILD CMAKE PYTHON TEST: installs the component torch of BUILD below a fresh prefix, moves
# the tree, and runs TEST with the module that is there.
set -euo pipefail
build=$1 cmake=$2 python=$3 test=$4

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --component torch --prefix "$work/first place" >/dev/null
mv "$work/first place" "$work/moved place"
module=$(find "$work/moved place" -name arloss_torch.py)
folder=$(dirname "$module")
files=$(find "$work/moved place" -type f -printf '%f\n' | sort | paste -sd ' ')
[[ $files == "arloss_torch.py libarloss_torch.so" ]] || { echo "installed were $files"; exit 1; }
if readelf --dynamic "$folder/libarloss_torch.so" | grep -E 'R(UN)?PATH'; then
  echo "the library looks for others where they were when it was built"
  exit 1
fi
PYTHONPATH=$folder "$python" -B "$test"
