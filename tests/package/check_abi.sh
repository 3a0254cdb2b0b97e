#!/usr/bin/env bash
# check_abi.sh MODE CC HEADER LIBRARY RECORD: what a compiled caller relies on, against its record in the tree: size and fields
# of every struct, enumerators, prototypes, exported symbols. MODE:
#   compare  fails, saying what changed, unless HEADER and LIBRARY are as recorded
#   accept   rewrites RECORD
#   planted  fails unless a field, an enumerator, a type and a function changed in a copy of HEADER are each noticed
set -euo pipefail
mode=$1 compiler=$2 header=$3 library=$4 record=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Of every declaration of the header either a line of its own or, for structs and enums, C code that prints its lines. What it
# cannot read stops it, so nothing is left out in silence.
cat >"$work/reader.awk" <<'AWK'
function fail(text) { print "cannot read: " text >"/dev/stderr"; failed = 1; exit 1 }
function trim(text) { gsub(/^ +| +$/, "", text); return text }
function say(text) { printf "puts(\"%s\");\n", text }
# A value, and for a field its offset and its size.
function number(text, value, size) {
  if (size) printf "printf(\"%s offset %%zu size %%zu\\n\", %s, %s);\n", text, value, size
  else printf "printf(\"%s %%lld\\n\", (long long)(%s));\n", text, value
}

function read_fields(name, body,    fields, count, names, i, j, type, field) {
  number("struct " name " size", "sizeof(" name ")")
  count = split(body, fields, ";")
  for (i = 1; i < count; ++i) {
    field = trim(fields[i])
    if (!match(field, /^(const )?(struct )?[a-z0-9_]+[ *]+/)) fail(field)
    type = trim(substr(field, 1, RLENGTH))
    split(substr(field, RLENGTH + 1), names, ",")
    for (j = 1; j in names; ++j) {
      field = trim(names[j])
      if (field !~ /^[a-z0-9_]+(\[[0-9]+\])?$/) fail(fields[i])
      sub(/\[.*/, "", field)
      number("  " name "." field " " type, "offsetof(" name ", " field ")", "sizeof(((" name " *)0)->" field ")")
    }
  }
  if (trim(fields[count]) != "") fail(body)
}

function read_enumerators(name, body,    names, i) {
  number("enum " name " size", "sizeof(" name ")")
  split(body, names, ",")
  for (i = 1; i in names; ++i) {
    sub(/=.*/, "", names[i])
    names[i] = trim(names[i])
    if (names[i] !~ /^[A-Z0-9_]+$/) fail(body)
    number("  " names[i], names[i])
  }
}

# A prototype, without the names of its parameters: nothing compiled knows them.
function read_function(text) {
  gsub(/[a-z0-9_]+,/, ",", text)
  if (text !~ /\(void\)/) sub(/[a-z0-9_]+\)/, ")", text)
  gsub(/ +,/, ",", text)
  sub(/ +\)/, ")", text)
  say("function " text)
}

/^# [0-9]+ "/ { is_header = index($0, "\"" HEADER "\"") > 0; next }
is_header { text = text " " $0 }
END {
  if (failed) exit 1
  gsub(/__attribute__\(\(visibility\("default"\)\)\)/, "", text)
  gsub(/[ \t]+/, " ", text)
  print "#include \"" HEADER "\"\n#include <stdio.h>\nint main(void) {"
  while ((text = trim(text)) != "") {
    if (match(text, /^typedef (struct|enum) \{[^{}]*\} [a-z0-9_]+;/)) {
      name = body = substr(text, 1, RLENGTH - 1)
      text = substr(text, RLENGTH + 1)
      sub(/.*\} /, "", name)
      gsub(/^[^{]*\{|\}[^}]*$/, "", body)
      if (match(body, /;/)) read_fields(name, body)
      else read_enumerators(name, body)
    } else if (match(text, /^[^{};]+;/)) {
      statement = substr(text, 1, RLENGTH - 1)
      text = substr(text, RLENGTH + 1)
      if (statement ~ /^[^()]+\([^()]*\)$/) read_function(statement)
      else if (statement ~ /^typedef [^()]+$/) say(statement)
      else fail(statement)
    } else fail(text)
  }
  print "return 0;\n}"
}
AWK

# describe HEADER: the record as it would be now.
describe() {
  "$compiler" -std=c11 -E "$1" | awk -v HEADER="$1" -f "$work/reader.awk" >"$work/describe.c"
  "$compiler" -std=c11 -o "$work/describe" "$work/describe.c"
  "$work/describe"
  nm --dynamic --defined-only --format=posix "$library" | awk '{ print "exported " $1 }' | sort
}

# notices FROM TO: is the record another once the one line that is FROM says TO?
notices() {
  sed "s/$1/$2/" "$header" >"$work/planted.h"
  ! cmp -s "$header" "$work/planted.h" || { echo "nothing to plant in: $1 is not in the header"; exit 1; }
  describe "$work/planted.h" >"$work/planted.txt"
  ! cmp -s "$work/now.txt" "$work/planted.txt" || { echo "not noticed: $1 became $2"; exit 1; }
}

describe "$header" >"$work/now.txt"
case $mode in
  compare)
    if ! diff --unified=0 "$record" "$work/now.txt" | sed '1,2d;/^@@/d'; then
      echo "Lines with - are what compiled callers rely on, with + what is there now: a new field at the end of a struct, which then"
      echo "grows, or a new enumerator or function breaks none of them, any other change does. Is it meant? Then write it down:"
      echo "  cmake --build BUILD --target arloss_accept_abi      # and commit $record"
      exit 1
    fi
    echo "$(wc -l <"$record") lines, all as recorded"
    ;;
  accept) cp "$work/now.txt" "$record" ;;
  planted)
    notices 'int32_t exact;' 'int32_t exact, planted;'
    notices 'int32_t exact;' 'uint32_t exact;'
    notices 'ARLOSS_SPAN_BATCH = 1' 'ARLOSS_SPAN_BATCH = 2'
    notices 'void \*arloss_stream_t;' 'long arloss_stream_t;'
    notices 'int64_t num_rows, float \*out' 'int32_t num_rows, float *out'
    notices '^ARLOSS_API int arloss_version(void);' '&\nARLOSS_API int arloss_planted(void);'
    ;;
  *) echo "unknown mode $mode" && exit 2 ;;
esac
