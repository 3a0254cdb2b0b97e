#!/usr/bin/env bash
# check_packages.sh BUILD CPACK VERSION: packs BUILD, and looks whether the .tar.gz and, where Debian's tools are, the .deb have
# what they should and nothing else.
set -euo pipefail
build=$1 cpack=$2 version=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# expect TEXT REGEX...: every REGEX matches a line of TEXT.
expect() {
  local text=$1 regex
  for regex in "${@:2}"; do
    grep -qE -e "$regex" <<<"$text" || { printf '%s\n"%s" is missing above\n' "$text" "$regex"; exit 1; }
  done
}
files=('include/arloss/arloss\.h$' 'include/arloss/arloss\.hpp$' 'include/arloss/torch\.h$' 'include/arloss/dlib\.h$' 'lib.*/libarloss\.a$' "lib.*/libarloss\.so\.$version\$"
  'lib.*/cmake/arloss/arlossConfig\.cmake$' 'lib.*/pkgconfig/arloss\.pc$' 'share/doc/arloss/copyright$')

generators=TGZ
if command -v dpkg-deb dpkg-shlibdeps >/dev/null; then generators='TGZ;DEB'; fi
"$cpack" -G "$generators" --config "$build/CPackConfig.cmake" -B "$work" >"$work/log.txt" || { cat "$work/log.txt"; exit 1; }

listed=$(tar -tzf "$work"/*.tar.gz)
expect "$listed" "${files[@]}"
echo "$listed"

if [[ $generators == *DEB* ]]; then
  listed=$(dpkg-deb --contents "$work"/*.deb)
  expect "$listed" "${files[@]}"
  if grep -vE '^(drwxr-xr-x|-rw-r--r--|lrwxrwxrwx) root/root .* \./(usr/|$)' <<<"$listed"; then
    echo "the files above have other rights, another owner or another place than Debian's files"
    exit 1
  fi
  control=$(dpkg-deb --info "$work"/*.deb)
  expect "$control" ' Package: arloss$' " Version: $version\$" ' Section: libs$' ' Maintainer: .+ <.+@.+>$' ' Description: .' \
    ' Depends: .*libc6 \(>=' ' Depends: .*libstdc\+\+6' ' Depends: .*lib(gomp|omp)' ' Depends: .*libhwy' ' shlibs ' ' (triggers|postinst) '
  echo "$control"
fi
