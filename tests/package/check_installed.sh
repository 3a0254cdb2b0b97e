#!/usr/bin/env bash
# check_installed.sh SOURCE BUILD CMAKE CC CXX: installs BUILD below a fresh prefix, moves the tree, and builds and runs the
# examples against it with find_package and with pkg-config.
set -euo pipefail
source=$1 build=$2 cmake=$3
export CC=$4 CXX=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$cmake" --install "$build" --prefix "$work/first place" >/dev/null
prefix="$work/moved place"
mv "$work/first place" "$prefix"
(cd "$prefix" && find . -type f -o -type l | sort)
if grep -rlF -e "$source/src" -e "$source/include" -e "$build" -e "$work/first" "$prefix" --include='*.cmake' --include='*.pc' --include='*.h' --include='*.hpp'; then
  echo "the files above name a place of the machine that built them"
  exit 1
fi

echo "== find_package"
"$cmake" -S "$source/examples/minimal" -B "$work/minimal" -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
"$cmake" --build "$work/minimal"
"$work/minimal/arloss_minimal" | tee "$work/with_cmake.txt"

echo "== pkg-config"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name arloss.pc)")
# pkg-config escapes the blanks of the prefix for a shell: let one read them.
eval "\"\$CC\" -std=c11 \"\$source/examples/minimal/minimal.c\" $(pkg-config --cflags --libs arloss) -o \"\$work/by_hand\""
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libarloss.so)") "$work/by_hand" | tee "$work/by_hand.txt"
cmp "$work/with_cmake.txt" "$work/by_hand.txt"

echo "== all examples"
# But camvid: LibTorch's headers take minutes to compile, and the engines' tests build it.
"$cmake" -S "$source/examples" -B "$work/examples" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_DISABLE_FIND_PACKAGE_Torch=ON \
  >/dev/null
"$cmake" --build "$work/examples" --parallel
