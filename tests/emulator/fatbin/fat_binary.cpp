#include "fatbin/fat_binary.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <tuple>

namespace emulator::fatbin {
namespace {

// The layouts are measured: fat binaries of nvcc 13.0, every --compress-mode, one and several architectures.

struct Header {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t entries_bytes;  // all that follows the header
};
static_assert(sizeof(Header) == 16, "the header of a fat binary");

struct EntryHeader {
  std::uint16_t kind;
  std::uint16_t version;
  std::uint32_t header_bytes;      // the payload follows; between lie the source's name and nvcc's options
  std::uint64_t payload_bytes;     // with padding
  std::uint32_t compressed_bytes;  // 0: not compressed
  std::uint32_t options_offset;
  std::uint16_t ptx_minor;
  std::uint16_t ptx_major;
  std::uint32_t architecture;
  std::uint32_t name_offset;
  std::uint32_t name_bytes;
  std::uint64_t flags;
  std::uint64_t unused;
  std::uint64_t uncompressed_bytes;  // 0: not compressed
};
static_assert(sizeof(EntryHeader) == 64, "the header of an entry");

constexpr std::uint32_t kMagic = 0xBA55ED50;
constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kEntryVersion = 0x0101;
constexpr std::uint16_t kPtxKind = 1;

constexpr std::uint64_t kLz4Flag = 0x2000;
constexpr std::uint64_t kZstandardFlag = 0x8000;
constexpr std::uint64_t kArchitectureOnlyFlag = 0x100000;
constexpr std::uint64_t kFamilyFlag = 0x200000;

// Two hundred times the largest text met (4.6 MB, thrust's sorts and scans): a size beyond it is damage.
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 30;

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream text;
  text << "fat binary: ";
  (text << ... << parts);
  throw FormatError(text.str());
}

std::string hexadecimal(std::uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

template <class T>
T load(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

Header read_header(const unsigned char* data) {
  const auto header = load<Header>(data);
  if (header.magic != kMagic) fail("begins with ", hexadecimal(header.magic), ", not ", hexadecimal(kMagic));
  if (header.version != kVersion) fail("version ", header.version, " is not known");
  if (header.header_bytes < sizeof(Header)) fail("a header of ", header.header_bytes, " bytes is too short");
  return header;
}

/// `rest_bytes`: from the entry to the end of the fat binary.
EntryHeader read_entry_header(const unsigned char* data, std::uint64_t rest_bytes) {
  if (rest_bytes < sizeof(EntryHeader)) fail("ends within an entry's header, after ", rest_bytes, " bytes");
  const auto entry = load<EntryHeader>(data);
  if (entry.version != kEntryVersion) fail("entry version ", hexadecimal(entry.version), " is not known");
  if (entry.header_bytes < sizeof(EntryHeader))
    fail("an entry's header of ", entry.header_bytes, " bytes is too short");
  if (entry.header_bytes > rest_bytes || entry.payload_bytes > rest_bytes - entry.header_bytes) {
    fail("an entry of ", entry.header_bytes, " and ", entry.payload_bytes, " bytes where ", rest_bytes, " are left");
  }
  if (entry.compressed_bytes > entry.payload_bytes) {
    fail("an entry with ", entry.compressed_bytes, " compressed bytes in a payload of ", entry.payload_bytes);
  }
  return entry;
}

std::string make_text(std::uint64_t bytes) {
  if (bytes > kMostTextBytes) fail("a PTX text of ", bytes, " bytes is too long");
  return std::string(bytes, '\0');
}

void check_decompressed_size(std::uint64_t bytes, const std::string& text) {
  if (bytes != text.size()) fail("a PTX text of ", bytes, " bytes was announced as ", text.size());
}

std::string decompress_lz4(const char* payload, const EntryHeader& entry) {
  std::string text = make_text(entry.uncompressed_bytes);
  if (entry.compressed_bytes > LZ4_MAX_INPUT_SIZE) fail(entry.compressed_bytes, " bytes are too many for LZ4");
  const int bytes = LZ4_decompress_safe(payload, text.data(), static_cast<int>(entry.compressed_bytes),
                                        static_cast<int>(text.size()));
  if (bytes < 0) fail("LZ4 cannot decompress the PTX of architecture ", entry.architecture, " (", bytes, ")");
  check_decompressed_size(static_cast<std::uint64_t>(bytes), text);
  return text;
}

std::string decompress_zstandard(const char* payload, const EntryHeader& entry) {
  std::string text = make_text(entry.uncompressed_bytes);
  const std::size_t bytes = ZSTD_decompress(text.data(), text.size(), payload, entry.compressed_bytes);
  if (ZSTD_isError(bytes)) {
    fail("Zstandard cannot decompress the PTX of architecture ", entry.architecture, " (", ZSTD_getErrorName(bytes),
         ")");
  }
  check_decompressed_size(bytes, text);
  return text;
}

std::string read_text(const char* payload, const EntryHeader& entry) {
  const bool is_lz4 = (entry.flags & kLz4Flag) != 0;
  const bool is_zstandard = (entry.flags & kZstandardFlag) != 0;
  const bool is_compressed = entry.compressed_bytes != 0 || entry.uncompressed_bytes != 0;
  if (is_compressed != (is_lz4 || is_zstandard) || (is_lz4 && is_zstandard)) {
    fail("the compression of a PTX entry is not known: flags ", hexadecimal(entry.flags), ", ", entry.compressed_bytes,
         " compressed bytes, ", entry.uncompressed_bytes, " uncompressed");
  }
  if (is_lz4) return decompress_lz4(payload, entry);
  if (is_zstandard) return decompress_zstandard(payload, entry);
  return std::string(payload, entry.payload_bytes);
}

Reach reach_of(std::uint64_t flags) {
  if ((flags & kArchitectureOnlyFlag) != 0) return Reach::kNone;
  return (flags & kFamilyFlag) != 0 ? Reach::kFamily : Reach::kNewer;
}

Ptx read_entry(const unsigned char* data, const EntryHeader& entry) {
  Ptx ptx;
  ptx.architecture = static_cast<int>(entry.architecture);
  ptx.reach = reach_of(entry.flags);
  ptx.text = read_text(reinterpret_cast<const char*>(data) + entry.header_bytes, entry);
  // Texts end in zero bytes: one as a C string's end, more as padding.
  ptx.text.resize(ptx.text.find_last_not_of('\0') + 1);
  return ptx;
}

bool takes(int device, const Ptx& ptx) {
  switch (ptx.reach) {
    case Reach::kNewer: return ptx.architecture <= device;
    case Reach::kFamily: return ptx.architecture <= device && ptx.architecture / 10 == device / 10;
    case Reach::kNone: return ptx.architecture == device;
  }
  return false;
}

bool is_less_fitting(const Ptx& a, const Ptx& b) {
  return std::tie(a.architecture, a.reach) < std::tie(b.architecture, b.reach);
}

std::string name_of(const Ptx& ptx) {
  const char* const suffix = ptx.reach == Reach::kNone ? "a" : ptx.reach == Reach::kFamily ? "f" : "";
  return "compute_" + std::to_string(ptx.architecture) + suffix;
}

}  // namespace

std::vector<Ptx> read_ptx(const void* data) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  const Header header = read_header(bytes);
  bytes += header.header_bytes;
  std::vector<Ptx> found;
  for (std::uint64_t rest = header.entries_bytes; rest > 0;) {
    const EntryHeader entry = read_entry_header(bytes, rest);
    if (entry.kind == kPtxKind) found.push_back(read_entry(bytes, entry));
    const std::uint64_t entry_bytes = entry.header_bytes + entry.payload_bytes;
    bytes += entry_bytes;
    rest -= entry_bytes;
  }
  return found;
}

const Ptx& choose(const std::vector<Ptx>& entries, int architecture) {
  if (entries.empty()) fail("holds no PTX; build with code=compute_NN");
  const int device = architecture != 0
                         ? architecture
                         : std::max_element(entries.begin(), entries.end(), is_less_fitting)->architecture;
  const Ptx* best = nullptr;
  std::string names;
  for (const Ptx& ptx : entries) {
    names += (names.empty() ? "" : ", ") + name_of(ptx);
    if (takes(device, ptx) && (best == nullptr || is_less_fitting(*best, ptx))) best = &ptx;
  }
  if (best == nullptr) fail("no PTX for a device of architecture ", architecture, ": there is ", names);
  return *best;
}

}  // namespace emulator::fatbin
