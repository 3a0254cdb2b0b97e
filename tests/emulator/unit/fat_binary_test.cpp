#include "fatbin/fat_binary.h"

#include <gtest/gtest.h>
#include <lz4.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace emulator::fatbin {
namespace {

constexpr std::uint64_t kPlain = 0x11;
constexpr std::uint64_t kLz4 = 0x2011;
constexpr std::uint64_t kZstandard = 0x8011;
constexpr std::uint64_t kArchitectureOnly = 0x100000;
constexpr std::uint64_t kFamily = 0x200000;

// Where the fields of an entry's header lie, in bytes.
constexpr std::size_t kEntryVersionAt = 2;
constexpr std::size_t kHeaderBytesAt = 4;
constexpr std::size_t kPayloadBytesAt = 8;
constexpr std::size_t kCompressedBytesAt = 16;
constexpr std::size_t kFlagsAt = 40;
constexpr std::size_t kUncompressedBytesAt = 56;
constexpr std::size_t kEntryAt = 16;  // the first entry in the file

template <class T>
void put(std::string& bytes, std::size_t offset, T value) {
  if (bytes.size() < offset + sizeof(T)) bytes.resize(offset + sizeof(T));
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

struct EntryOptions {
  std::uint16_t kind = 1;
  std::uint32_t architecture = 80;
  std::uint64_t flags = kPlain;
  std::string between;  // what lies between the fixed header and the payload: a multiple of 8 bytes
};

std::string compress(const std::string& text, std::uint64_t flags) {
  std::string packed(ZSTD_compressBound(text.size()) + 64, '\0');
  if ((flags & 0x8000) != 0) {
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  } else if ((flags & 0x2000) != 0) {
    const int bytes = LZ4_compress_default(text.data(), packed.data(), static_cast<int>(text.size()),
                                           static_cast<int>(packed.size()));
    packed.resize(static_cast<std::size_t>(bytes));
  } else {
    return text;
  }
  return packed;
}

std::string make_entry(const std::string& text, const EntryOptions& options = {}) {
  std::string payload = compress(text, options.flags);
  const bool is_compressed = (options.flags & (0x8000 | 0x2000)) != 0;
  const std::size_t compressed_bytes = payload.size();
  payload.resize((payload.size() + 7) / 8 * 8);
  std::string entry;
  put<std::uint16_t>(entry, 0, options.kind);
  put<std::uint16_t>(entry, kEntryVersionAt, 0x0101);
  put(entry, kHeaderBytesAt, static_cast<std::uint32_t>(64 + options.between.size()));
  put(entry, kPayloadBytesAt, static_cast<std::uint64_t>(payload.size()));
  put(entry, kCompressedBytesAt, static_cast<std::uint32_t>(is_compressed ? compressed_bytes : 0));
  put(entry, 28, options.architecture);
  put(entry, kFlagsAt, options.flags);
  put(entry, kUncompressedBytesAt, static_cast<std::uint64_t>(is_compressed ? text.size() : 0));
  return entry + options.between + payload;
}

std::string make_file(const std::vector<std::string>& entries) {
  std::string content;
  for (const std::string& entry : entries) content += entry;
  std::string file;
  put<std::uint32_t>(file, 0, 0xBA55ED50);
  put<std::uint16_t>(file, 4, 1);
  put<std::uint16_t>(file, 6, 16);
  put(file, 8, static_cast<std::uint64_t>(content.size()));
  return file + content;
}

/// Reads from a heap block of exactly the file's size, so that the address sanitizer sees a read past its end.
std::vector<Ptx> read(const std::string& file) {
  const std::vector<char> exact(file.begin(), file.end());
  return read_ptx(exact.data());
}

std::string error_of(const std::string& file) {
  try {
    read(file);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

/// A file of one entry in which a field of the entry's header holds `value`.
template <class T>
std::string file_with(std::size_t field, T value, const EntryOptions& options = {}) {
  std::string file = make_file({make_entry(std::string(100, 'x'), options)});
  put(file, kEntryAt + field, value);
  return file;
}

EntryOptions with_flags(std::uint64_t flags) {
  EntryOptions options;
  options.flags = flags;
  return options;
}

std::string sample_text() {
  std::string text = "\n\n.version 9.0\n.target sm_80\n";
  for (int i = 0; i < 200; ++i) text += "add.s32 %r1, %r1, " + std::to_string(i * i) + ";\n";
  return text;
}

class FatBinaryCompression : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FatBinaryCompression, TextComesBack) {
  const std::vector<Ptx> found = read(make_file({make_entry(sample_text(), with_flags(GetParam()))}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, sample_text());
  EXPECT_EQ(found[0].architecture, 80);
  EXPECT_EQ(found[0].reach, Reach::kNewer);
}

TEST_P(FatBinaryCompression, ZeroBytesAtTheEndAreNoText) {
  const std::string padded = sample_text() + std::string(11, '\0');
  const std::vector<Ptx> found = read(make_file({make_entry(padded, with_flags(GetParam()))}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, sample_text());
}

TEST_P(FatBinaryCompression, NameAndOptionsLieBeforeThePayload) {
  EntryOptions options = with_flags(GetParam());
  options.between = std::string("k.cu\0\0\0\0--generate-line-info\0\0\0\0", 32);
  const std::vector<Ptx> found = read(make_file({make_entry(sample_text(), options), make_entry("second", {})}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].text, sample_text());
  EXPECT_EQ(found[1].text, "second");
}

INSTANTIATE_TEST_SUITE_P(All, FatBinaryCompression, testing::Values(kPlain, kLz4, kZstandard));

TEST(FatBinary, MachineCodeIsPassedOver) {
  EntryOptions elf;
  elf.kind = 2;
  EntryOptions packed_elf = with_flags(0x1011);  // a compression that only entries of PTX would be asked about
  packed_elf.kind = 2;
  const std::vector<Ptx> found = read(make_file({make_entry("\x7f"
                                                            "ELF",
                                                            elf),
                                                 make_entry("ptx", {}), make_entry("more", packed_elf)}));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "ptx");
}

TEST(FatBinary, NoEntriesAreNoTexts) { EXPECT_TRUE(read(make_file({})).empty()); }

TEST(FatBinary, LongerFileHeaderIsSkipped) {
  std::string file = make_file({});
  put<std::uint16_t>(file, 6, 24);
  const std::string entry = make_entry("text", {});
  put(file, 8, static_cast<std::uint64_t>(entry.size()));
  const std::vector<Ptx> found = read(file + std::string(8, '\xee') + entry);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "text");
}

TEST(FatBinary, ArchitectureAndReach) {
  EntryOptions exact = with_flags(kZstandard | kArchitectureOnly);
  exact.architecture = 90;
  EntryOptions family = with_flags(kPlain | kFamily);
  family.architecture = 100;
  const std::vector<Ptx> found = read(make_file({make_entry("a", exact), make_entry("f", family)}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].architecture, 90);
  EXPECT_EQ(found[0].reach, Reach::kNone);
  EXPECT_EQ(found[1].architecture, 100);
  EXPECT_EQ(found[1].reach, Reach::kFamily);
}

TEST(FatBinaryError, OtherThingsThanFatBinaries) {
  EXPECT_EQ(error_of(std::string("\x7f"
                                 "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
                                 16)),
            "fat binary: begins with 0x464c457f, not 0xba55ed50");
  std::string file = make_file({});
  put<std::uint16_t>(file, 4, 7);
  EXPECT_EQ(error_of(file), "fat binary: version 7 is not known");
  put<std::uint16_t>(file, 4, 1);
  put<std::uint16_t>(file, 6, 8);
  EXPECT_EQ(error_of(file), "fat binary: a header of 8 bytes is too short");
}

TEST(FatBinaryError, EntriesThatDoNotFit) {
  EXPECT_EQ(error_of(file_with<std::uint16_t>(kEntryVersionAt, 0x0202)),
            "fat binary: entry version 0x202 is not known");
  EXPECT_EQ(error_of(file_with<std::uint32_t>(kHeaderBytesAt, 60)),
            "fat binary: an entry's header of 60 bytes is too short");
  EXPECT_EQ(error_of(file_with<std::uint32_t>(kHeaderBytesAt, 1000)),
            "fat binary: an entry of 1000 and 104 bytes where 168 are left");
  EXPECT_EQ(error_of(file_with<std::uint64_t>(kPayloadBytesAt, 112)),
            "fat binary: an entry of 64 and 112 bytes where 168 are left");
  EXPECT_EQ(error_of(file_with<std::uint64_t>(kPayloadBytesAt, ~0ull)),
            "fat binary: an entry of 64 and 18446744073709551615 bytes where 168 are left");
  EXPECT_EQ(error_of(file_with<std::uint64_t>(kPayloadBytesAt, 96)),
            "fat binary: ends within an entry's header, after 8 bytes");
  EXPECT_EQ(error_of(file_with<std::uint32_t>(kCompressedBytesAt, 105)),
            "fat binary: an entry with 105 compressed bytes in a payload of 104");
}

TEST(FatBinaryError, CompressionNotKnown) {
  const std::string unknown = "fat binary: the compression of a PTX entry is not known: flags ";
  const auto begins = [&](const std::string& error, const std::string& flags) {
    EXPECT_EQ(error.substr(0, unknown.size() + flags.size()), unknown + flags);
  };
  begins(error_of(file_with<std::uint64_t>(kFlagsAt, 0x4011, with_flags(kLz4))), "0x4011, ");
  begins(error_of(file_with<std::uint64_t>(kFlagsAt, 0xa011, with_flags(kLz4))), "0xa011, ");
  begins(error_of(file_with<std::uint64_t>(kFlagsAt, 0x8011)), "0x8011, 0 compressed bytes, 0 uncompressed");
}

TEST(FatBinaryError, SizeThatIsNotThatOfTheText) {
  for (const std::uint64_t flags : {kLz4, kZstandard}) {
    const EntryOptions options = with_flags(flags);
    EXPECT_EQ(error_of(file_with<std::uint64_t>(kUncompressedBytesAt, 101, options)),
              "fat binary: a PTX text of 100 bytes was announced as 101");
    EXPECT_NE(
        error_of(file_with<std::uint64_t>(kUncompressedBytesAt, 99, options)).find("cannot decompress the PTX of"),
        std::string::npos);
    EXPECT_EQ(error_of(file_with<std::uint64_t>(kUncompressedBytesAt, 1ull << 40, options)),
              "fat binary: a PTX text of 1099511627776 bytes is too long");
  }
}

TEST(FatBinaryError, DamagedPayload) {
  for (const std::uint64_t flags : {kLz4, kZstandard}) {
    std::string file = make_file({make_entry(sample_text(), with_flags(flags))});
    const std::string whole = file;
    for (std::size_t i = kEntryAt + 64; i < kEntryAt + 70; ++i) file[i] = '\xff';
    EXPECT_NE(error_of(file).find("cannot decompress the PTX of architecture 80"), std::string::npos);
    EXPECT_EQ(error_of(whole), "");
  }
}

Ptx make_ptx(int architecture, Reach reach = Reach::kNewer) { return {architecture, reach, ""}; }

/// "90a" of the entry that is chosen, or what went wrong.
std::string choice(const std::vector<Ptx>& entries, int architecture) {
  try {
    const Ptx& chosen = choose(entries, architecture);
    EXPECT_GE(&chosen, entries.data());
    EXPECT_LT(&chosen, entries.data() + entries.size());
    const char* const suffixes[] = {"", "f", "a"};
    return std::to_string(chosen.architecture) + suffixes[static_cast<int>(chosen.reach)];
  } catch (const FormatError& error) {
    return error.what();
  }
}

TEST(FatBinaryChoice, NewestNotNewerThanTheDevice) {
  const std::vector<Ptx> entries = {make_ptx(90), make_ptx(80), make_ptx(120)};
  EXPECT_EQ(choice(entries, 80), "80");
  EXPECT_EQ(choice(entries, 89), "80");
  EXPECT_EQ(choice(entries, 90), "90");
  EXPECT_EQ(choice(entries, 103), "90");
  EXPECT_EQ(choice(entries, 121), "120");
  EXPECT_EQ(choice(entries, 0), "120");
}

TEST(FatBinaryChoice, ReachBoundsTheDevice) {
  const std::vector<Ptx> entries = {make_ptx(80), make_ptx(90, Reach::kNone), make_ptx(90),
                                    make_ptx(100, Reach::kFamily)};
  EXPECT_EQ(choice(entries, 90), "90a");
  EXPECT_EQ(choice({make_ptx(90), make_ptx(90, Reach::kNone), make_ptx(90, Reach::kFamily)}, 90), "90a");
  EXPECT_EQ(choice(entries, 100), "100f");
  EXPECT_EQ(choice(entries, 103), "100f");
  EXPECT_EQ(choice(entries, 110), "90");
  EXPECT_EQ(choice(entries, 89), "80");
  EXPECT_EQ(choice(entries, 0), "100f");
}

TEST(FatBinaryChoice, NothingThatFits) {
  EXPECT_EQ(choice({make_ptx(90), make_ptx(90, Reach::kNone), make_ptx(100, Reach::kFamily)}, 80),
            "fat binary: no PTX for a device of architecture 80: there is compute_90, compute_90a, compute_100f");
  EXPECT_EQ(choice({}, 0), "fat binary: holds no PTX; build with code=compute_NN");
}

}  // namespace
}  // namespace emulator::fatbin
