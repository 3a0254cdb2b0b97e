#!/usr/bin/env bash
# check_installed.sh SOURCE BUILD CMAKE CC CXX NAMES_SOURCES: installs BUILD below a fresh prefix, moves the tree, and builds and runs
# consumers and the examples against it, with find_package and with pkg-config. NAMES_SOURCES 1: debug information does.
set -euo pipefail
source=$1 build=$2 cmake=$3 names_sources=$6
export CC=$4 CXX=$5
consumers=$source/tests/package/consumers

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# project SOURCE BINARY [-DVAR=VALUE...]: configures and builds.
project() {
  "$cmake" -S "$1" -B "$2" "${@:3}" >/dev/null
  "$cmake" --build "$2" --parallel 2
}

"$cmake" --install "$build" --prefix "$work/first place" >/dev/null
prefix="$work/moved place"
mv "$work/first place" "$prefix"
(cd "$prefix" && find . -type f -o -type l | sort)

texts=()
((!names_sources)) || texts=(--include='*.cmake' --include='*.pc' --include='*.h' --include='*.hpp')
if grep -rlF -e "$source" -e "$build" -e "$work/first" "${texts[@]}" "$prefix"; then
  echo "the files above name a place of the machine that built them"
  exit 1
fi
libdir=$(dirname "$(find "$prefix" -name libarloss.so)")
if readelf --dynamic "$libdir/libarloss.so" | grep -E 'R(UN)?PATH'; then
  echo "the library looks for others where they were when it was built"
  exit 1
fi

for language in C CXX; do
  echo "== find_package from $language"
  project "$consumers/installed" "$work/$language" -DLANGUAGE=$language -DCMAKE_PREFIX_PATH="$prefix"
  "$work/$language/with_shared"
  "$work/$language/with_static"
  if readelf --dynamic "$work/$language/with_static" | grep -F libarloss; then
    echo "the static library was asked for, the shared one linked"
    exit 1
  fi
done

echo "== pkg-config"
export PKG_CONFIG_PATH=$libdir/pkgconfig
# pkg-config escapes the blanks of the prefix for a shell: let one read them.
by_hand() { eval "\"\$CC\" -std=c11 \"\$consumers/two_cells.c\" $1 -lm -o \"\$work/by_hand\""; }
by_hand "$(pkg-config --cflags --libs arloss)"
LD_LIBRARY_PATH=$libdir "$work/by_hand"
flags=$(pkg-config --static --cflags --libs arloss)
by_hand "${flags/-larloss/-l:libarloss.a}"
"$work/by_hand"

echo "== all examples"
# But camvid: LibTorch's headers take minutes to compile, and the engines' tests build it.
project "$source/examples" "$work/examples" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON
"$work/examples/train/arloss_train"
