#!/usr/bin/env bash
# kernel_table.sh BUILD [PAGE]: registers, shared memory and SASS instructions of the kernels of loss and gradient, as a
# Markdown table, from the objects of a build with machine code (./run gpu bundle leaves build/gpu). With PAGE, it takes the
# place of the lines between the two comments that hold it there. Needs cuobjdump ($CUOBJDUMP, or in PATH) and c++filt.
set -euo pipefail
build=${1:?usage: kernel_table.sh BUILD [PAGE]}
page=${2:-}
cuobjdump=${CUOBJDUMP:-cuobjdump}
architectures='sm_80|sm_90'
# Float32 and bfloat16 logits, uint8 labels: the other types' kernels are the same but for a conversion. Tiles of the
# workloads' classes: 19, 40, 150 and 171.
others='affinity_rows|distribution|census|pack_kernel|pair_kernel|reduce_kernel|join_kernel|loss_kernel|__half|<int|<long|narrow_.*,[12]>|wide_.*,[234]>'
command -v "$cuobjdump" >/dev/null || {
  echo "kernel_table.sh: there is no $cuobjdump; it comes with the CUDA toolkit" >&2
  exit 1
}

# KERNEL ARCHITECTURE registers shared spilled, from what ptxas said when the objects were built.
read_ptxas() {
  awk '/Compiling entry function/ { split($0, quoted, "\047"); kernel = quoted[2]; architecture = quoted[4] }
       /bytes spill stores/ { stack = $1; spilled = $5 + $9 }
       /Used [0-9]+ registers/ {
         match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
         shared = match($0, /[0-9]+ bytes smem/) ? substr($0, RSTART, RLENGTH) + 0 : 0
         print kernel, architecture, "ptxas", registers, shared, spilled, stack
       }' "$@"
}

# KERNEL ARCHITECTURE all loop HMMA FFMA ...: instructions in the code, each once; of the longest loop likewise.
read_sass() {
  "$cuobjdump" -sass "$1" | awk '
    function close_kernel() {
      if (kernel == "") return
      line = kernel " " architecture " sass " count " " longest
      for (i = 1; i <= num_opcodes; ++i) line = line " " found[opcodes[i]] + 0
      print line
      kernel = ""
    }
    BEGIN { num_opcodes = split("HMMA FFMA DFMA LDG STG LDS MUFU", opcodes, " ") }
    /code for sm_/ { close_kernel(); architecture = $NF }
    /Function :/ { close_kernel(); kernel = $NF; count = longest = 0; split("", found); split("", place) }
    /^ +\/\*[0-9a-f]+\*\/ / && kernel != "" {
      address = $1
      gsub(/[^0-9a-f]/, "", address)
      sub(/^0+/, "", address)
      text = $0
      sub(/^ +\/\*[0-9a-f]+\*\/ +/, "", text)
      sub(/^@!?U?P[0-9T]+ +/, "", text)
      match(text, /^[A-Z0-9]+/)
      opcode = substr(text, 1, RLENGTH)
      if (opcode == "NOP") next
      place[address] = ++count
      found[opcode]++
      if (opcode == "BRA" && match(text, /0x[0-9a-f]+ *;/)) {
        target = substr(text, RSTART + 2)
        sub(/ *;.*/, "", target)
        if (target in place && count - place[target] + 1 > longest) longest = count - place[target] + 1
      }
    }
    END { close_kernel() }'
}

table() {
  local object
  echo '| kernel | | registers | shared B | stack B | spilled B | instructions | longest loop | HMMA | FFMA | DFMA | LDG | STG | LDS | MUFU |'
  echo '|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|'
  find "$build/kernels" -name '*.cu.o' | sort | while read -r object; do
    read_ptxas "$object.ptxas"
    read_sass "$object"
  done | c++filt | sed -E 's/\(anonymous namespace\):://g; s/arloss::(kernels::)?//g; s/^void //; s/\(.*\) (sm_)/ \1/; s/unsigned char/uint8/g; s/, /,/g' |
    grep -E " ($architectures) " | grep -Ev "$others" |
    awk '$3 == "ptxas" { ptxas[$1 " " $2] = $4 " | " $5 " | " $7 " | " $6; next }
         { line = "| " $1 " | " $2 " | " ptxas[$1 " " $2]; for (i = 4; i <= NF; ++i) line = line " | " $i; print line " |" }' |
    sort -V
}

if [[ $page ]]; then
  table >"$page.rows"
  # The old lines go, the new ones follow the first comment.
  sed -i -e '/^<!-- kernels -->/,/^<!-- end of kernels -->/ { /^<!--/ !d }' -e "/^<!-- kernels -->/ r $page.rows" "$page"
  rm "$page.rows"
else
  table
fi
