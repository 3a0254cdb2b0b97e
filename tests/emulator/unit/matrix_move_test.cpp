/// ldmatrix, stmatrix and movmatrix against marks that say where an element came from.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "semantics/matrix.h"
#include "unit/fragments.h"

namespace emulator::semantics {
namespace {

/// An 8 x 8 matrix whose rows lie apart and unaligned in memory.
struct Tile {
  static constexpr std::size_t kPitch = 50;
  std::array<std::byte, 8 * kPitch> memory{};
  std::array<std::byte*, 8> rows{};

  Tile() {
    for (std::size_t row = 0; row < 8; ++row) rows[row] = memory.data() + row * 5 % 8 * kPitch + 1;
  }
  std::byte* place(int row, int column) const {
    return rows[static_cast<std::size_t>(row)] + 2 * static_cast<std::size_t>(column);
  }
  void put(int row, int column, std::uint16_t value) { std::memcpy(place(row, column), &value, 2); }
  std::uint16_t get(int row, int column) const {
    std::uint16_t value;
    std::memcpy(&value, place(row, column), 2);
    return value;
  }
};

std::uint16_t mark(int row, int column) { return static_cast<std::uint16_t>(0x100 * (row + 1) + column + 1); }

TEST(MatrixMoveTest, LoadsGiveEachLaneItsTwoElements) {
  Tile tile;
  for (int row = 0; row < 8; ++row)
    for (int column = 0; column < 8; ++column) tile.put(row, column, mark(row, column));
  for (const bool is_transposed : {false, true}) {
    std::uint32_t lanes[32];
    load_matrix(tile.rows.data(), is_transposed, lanes);
    for (int lane = 0; lane < 32; ++lane) {
      const int line = lane / 4, first = lane % 4 * 2;
      const auto element = [&](int i) { return is_transposed ? mark(first + i, line) : mark(line, first + i); };
      ASSERT_EQ(lanes[lane], static_cast<std::uint32_t>(element(1)) << 16 | element(0)) << lane;
    }
  }
}

TEST(MatrixMoveTest, StoresWriteEachLanesTwoElements) {
  std::uint32_t lanes[32];
  for (int lane = 0; lane < 32; ++lane)
    lanes[lane] = static_cast<std::uint32_t>(mark(lane / 4, lane % 4 * 2 + 1)) << 16 | mark(lane / 4, lane % 4 * 2);
  for (const bool is_transposed : {false, true}) {
    Tile tile;
    store_matrix(lanes, is_transposed, tile.rows.data());
    for (int row = 0; row < 8; ++row)
      for (int column = 0; column < 8; ++column)
        ASSERT_EQ(tile.get(row, column), is_transposed ? mark(column, row) : mark(row, column));
    int untouched = 0;
    for (const std::byte byte : tile.memory) untouched += byte == std::byte{0};
    EXPECT_EQ(untouched, static_cast<int>(tile.memory.size()) - 128);
  }
}

TEST(MatrixMoveTest, TranspositionInPlaceToo) {
  std::uint32_t lanes[32], moved[32];
  for (int lane = 0; lane < 32; ++lane)
    lanes[lane] = static_cast<std::uint32_t>(mark(lane / 4, lane % 4 * 2 + 1)) << 16 | mark(lane / 4, lane % 4 * 2);
  transpose_matrix(lanes, moved);
  transpose_matrix(lanes, lanes);
  for (int lane = 0; lane < 32; ++lane) {
    ASSERT_EQ(moved[lane],
              static_cast<std::uint32_t>(mark(lane % 4 * 2 + 1, lane / 4)) << 16 | mark(lane % 4 * 2, lane / 4));
    ASSERT_EQ(lanes[lane], moved[lane]);
  }
}

TEST(MatrixMoveTest, AddressesOfTheRowsComeFromLanesInOrder) {
  EXPECT_EQ(address_lane(0, 0), 0);
  EXPECT_EQ(address_lane(1, 3), 11);
  EXPECT_EQ(address_lane(3, 7), 31);
}

/// A of m16n8k16 is what ldmatrix.x4 loads from a row-major tile (rows 0-7 then 8-15, columns 0-7 then 8-15), B what
/// ldmatrix.x2.trans loads from a row-major k x n tile: that is what kernels rely on.
TEST(MatrixMoveTest, LoadedFragmentsAreThoseOfTheProduct) {
  std::uint16_t a[16][16], b[16][8];
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 16; ++column) a[row][column] = mark(row, column);
    for (int column = 0; column < 8; ++column) b[row][column] = mark(row, column);
  }
  const Shape& shape = shape_of(MmaShape::kM16n8k16, 16);
  const auto loaded = [](auto& matrix, int first_row, int first_column, bool is_transposed, std::uint32_t* lanes) {
    const std::byte* rows[8];
    for (int row = 0; row < 8; ++row)
      rows[row] = reinterpret_cast<const std::byte*>(&matrix[first_row + row][first_column]);
    load_matrix(rows, is_transposed, lanes);
  };
  std::uint32_t a_lanes[4][32], b_lanes[2][32];
  for (int matrix = 0; matrix < 4; ++matrix) loaded(a, matrix % 2 * 8, matrix / 2 * 8, false, a_lanes[matrix]);
  for (int matrix = 0; matrix < 2; ++matrix) loaded(b, matrix * 8, 0, true, b_lanes[matrix]);
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 8; ++i) {
      const Place place = shape.a(lane / 4, lane % 4, i);
      ASSERT_EQ(a_lanes[i / 2][lane] >> (16 * (i % 2)) & 0xFFFF, a[place.row][place.column]) << lane << ' ' << i;
    }
    for (int i = 0; i < 4; ++i) {
      const Place place = shape.b(lane / 4, lane % 4, i);
      ASSERT_EQ(b_lanes[i / 2][lane] >> (16 * (i % 2)) & 0xFFFF, b[place.row][place.column]) << lane << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace emulator::semantics
