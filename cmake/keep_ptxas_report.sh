#!/bin/sh
# keep_ptxas_report.sh NVCC ARGUMENT...: runs the compilation; what ptxas -v says of the kernels goes to OBJECT.ptxas for
# CheckSpills.cmake, the rest of nvcc's messages to stderr.
for argument in "$@"; do
  [ "$previous" = -o ] && report=$argument.ptxas
  previous=$argument
done
"$@" 2>"${report:?no -o among the arguments}"
status=$?
grep -v -e '^ptxas info' -e 'bytes stack frame' "$report" >&2
exit "$status"
