#!/usr/bin/env bash
# check_symbols.sh exported|archived|called CC HEADER BINARY: fails unless the symbols the shared library BINARY exports, the
# global ones of the static library BINARY, or those of arloss the object file BINARY calls, are exactly the functions HEADER declares.
set -euo pipefail
mode=$1 compiler=$2 header=$3 binary=$4

declared=$("$compiler" -std=c11 -E -P "$header" | grep -oE '\barloss_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u)
[[ -n $declared ]] || { echo "no function found in $header"; exit 1; }

case $mode in
  exported) found=$(nm --dynamic --defined-only --format=posix "$binary" | cut -d ' ' -f 1 | sort -u) ;;
  archived) found=$(nm --extern-only --defined-only --format=posix "$binary" | grep -v ':$' | cut -d ' ' -f 1 | sort -u) ;;
  called) found=$(nm --undefined-only --format=posix "$binary" | cut -d ' ' -f 1 | grep '^arloss_' | sort -u) ;;
  *) echo "unknown mode $mode" && exit 2 ;;
esac

if ! difference=$(diff <(echo "$declared") <(echo "$found")); then
  printf '< declared by the header only, > %s only:\n%s\n' "$mode" "$difference"
  exit 1
fi
echo "$(wc -l <<<"$declared") functions, declared and $mode alike"
