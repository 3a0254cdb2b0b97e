#!/usr/bin/env bash
# ./gpu help says what this does. It needs a driver, bash and the files beside it, nothing else.
set -euo pipefail
bundle=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
results=${ARLOSS_GPU_RESULTS:-$bundle/results}
all_stages=(facts test sanitize time pairs table)

help() {
  cat <<'TEXT'
./gpu [--tiny] [stage...]
                    no stage: all, in this order; each takes less than 8 minutes
  facts             what the device is; measured copy bandwidth and half-precision matrix rate
  test              the GPU test programs
  sanitize          a small run under compute-sanitizer, where that is installed
  time              loss and gradient on the workloads of docs/performance, against a copy of the same bytes
  pairs             losses that visit every pair, against the rates of mma and FFMA
  table             one table of what the stages left
  --tiny            workloads of a few hundred cells and one replay: does everything run?

Results go to ./results, or to $ARLOSS_GPU_RESULTS: table.txt and table.json, one file for each stage.
Exit code 0: all passed; 1: something failed; 77: there is no CUDA device.
TEXT
}

# run_program NAME SECONDS COMMAND...: its output into results/NAME.log, its fate into $outcome.
run_program() {
  local status=0
  timeout "$2" "${@:3}" >"$results/$1.log" 2>&1 || status=$?
  case $status in
    0) outcome=passed ;;
    77) outcome=skipped ;;
    124) outcome="failed: not done after $2 s" ;;
    *) outcome="failed: status $status" ;;
  esac
  echo "$1: $outcome"
  [[ $outcome != failed* ]]
}

run_tests() {
  local program start failures=0
  : >"$results/test.tsv"
  while read -r program; do
    start=$SECONDS
    run_program "$program" 90 "$bundle/$program" || failures=$((failures + 1))
    printf '%s\t%s\t%s s\n' "$program" "$outcome" $((SECONDS - start)) >>"$results/test.tsv"
  done <"$bundle/gpu_tests.txt"
  ((failures == 0))
}

sanitize() {
  local tool sanitizer failures=0
  : >"$results/sanitize.tsv"
  sanitizer=$(command -v compute-sanitizer || command -v /usr/local/cuda/bin/compute-sanitizer || true)
  for tool in memcheck racecheck; do
    if [[ $sanitizer ]]; then
      # One workload of few classes and one of many: they take different kernels.
      run_program "$tool" 200 "$sanitizer" --tool "$tool" --error-exitcode 1 \
        "$bundle/gpu_bench" time pairs --tiny --workloads W1,W5 --results "$results/sanitize" || failures=$((failures + 1))
    else
      outcome="not run: compute-sanitizer is not installed"
      echo "$tool: $outcome"
    fi
    printf '%s\t%s\n' "$tool" "$outcome" >>"$results/sanitize.tsv"
  done
  ((failures == 0))
}

tiny=()
if [[ ${1:-} == --tiny ]]; then
  tiny=(--tiny)
  shift
fi
stages=("$@")
((${#stages[@]})) || stages=("${all_stages[@]}")
for stage in "${stages[@]}"; do
  case $stage in
    facts | test | sanitize | time | pairs | table) ;;
    help | -h | --help)
      help
      exit
      ;;
    *)
      help >&2
      echo "gpu: unknown stage '$stage'" >&2
      exit 2
      ;;
  esac
done

mkdir -p "$results"
[[ ! -e $bundle/commit.txt ]] || cp "$bundle/commit.txt" "$results"
if [[ ${stages[*]} != table ]]; then
  "$bundle/gpu_bench" device || exit
fi
failed=()
for stage in "${stages[@]}"; do
  echo "gpu: $stage"
  case $stage in
    test) run_tests ;;
    sanitize) sanitize ;;
    *) timeout 450 "$bundle/gpu_bench" "$stage" "${tiny[@]}" --results "$results" ;;
  esac || failed+=("$stage")
done
if ((${#failed[@]})); then
  echo "gpu: failed: ${failed[*]}" >&2
  exit 1
fi
