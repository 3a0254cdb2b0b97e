// libpng reports errors by longjmp, which must not skip a destructor. So each function that calls setjmp holds plain
// values only, and everything with a destructor lives in its caller. Writing, and reading colours, use libpng's
// simplified API (png_image), which returns its errors; it would turn a palette's indices into colours.
#include "png_io.h"

#include <png.h>

#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

namespace demo {
namespace {

constexpr size_t kSignatureBytes = 8;             // fixed by the PNG format
constexpr int64_t kMaxPixels = int64_t{1} << 26;  // 8192 x 8192: a broken header must not claim all the memory

[[noreturn]] void fail(const std::string &path, const std::string &reason) {
  throw InputError("'" + path + "': " + reason);
}

/// An open PNG file on its way in, closed and freed at the end of its scope.
struct PngReader {
  std::FILE *file = nullptr;
  png_structp png = nullptr;
  png_infop info = nullptr;
  char message[160] = "";  // libpng's words on what went wrong

  PngReader() = default;
  PngReader(const PngReader &) = delete;
  PngReader &operator=(const PngReader &) = delete;
  ~PngReader() {
    png_destroy_read_struct(&png, &info, nullptr);
    if (file != nullptr) std::fclose(file);
  }
};

void keep_message_and_jump(png_structp png, png_const_charp message) {
  auto *reader = static_cast<PngReader *>(png_get_error_ptr(png));
  std::snprintf(reader->message, sizeof reader->message, "%s", message);
  png_longjmp(png, 1);
}

void drop_warning(png_structp, png_const_charp) {}

/// Reads everything up to the pixels. False: reader.message says why.
bool read_header(PngReader &reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_init_io(reader.png, reader.file);
  png_set_sig_bytes(reader.png, kSignatureBytes);
  png_read_info(reader.png, reader.info);
  png_set_packing(reader.png);  // one byte per pixel for 1, 2 and 4 bits too, values unchanged
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

/// Reads the pixels into rows[height] and checks that the file is whole. False: reader.message says why.
bool read_pixels(PngReader &reader, png_bytep *rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

void open_png(PngReader &reader, const std::string &path) {
  reader.file = std::fopen(path.c_str(), "rb");
  if (reader.file == nullptr) fail(path, std::string("cannot be opened: ") + std::strerror(errno));
  png_byte signature[kSignatureBytes] = {};
  const size_t num_read = std::fread(signature, 1, kSignatureBytes, reader.file);
  if (std::ferror(reader.file)) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  if (num_read < kSignatureBytes || png_sig_cmp(signature, 0, kSignatureBytes) != 0) fail(path, "is not a PNG file");
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, keep_message_and_jump, drop_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) fail(path, "libpng could not be started");
}

/// A label map holds indices: colours and finer greys are pictures of something else.
void require_index_pixels(PngReader &reader, const std::string &path) {
  const char *found = nullptr;
  switch (png_get_color_type(reader.png, reader.info)) {
    case PNG_COLOR_TYPE_RGB: found = "RGB"; break;
    case PNG_COLOR_TYPE_RGB_ALPHA: found = "RGB with alpha"; break;
    case PNG_COLOR_TYPE_GRAY_ALPHA: found = "grey with alpha"; break;
    default:
      if (png_get_bit_depth(reader.png, reader.info) > 8) found = "16-bit grey";
  }
  if (found != nullptr)
    fail(path, std::string("is ") + found + "; a label map is palette or 8-bit grey, its values class indices");
}

void require_room(int64_t height, int64_t width, const std::string &path) {
  if (height * width > kMaxPixels) {
    fail(path, "has " + std::to_string(height) + " x " + std::to_string(width) + " pixels; at most " +
                   std::to_string(kMaxPixels) + " are read");
  }
}

void write_image(png_image &image, const std::string &path, const void *pixels, const void *colour_map) {
  // Negative or zero strides mean "as wide as a row" to libpng, which also removes a file it could not finish.
  if (!png_image_write_to_file(&image, path.c_str(), 0, pixels, 0, colour_map)) {
    fail(path, std::string("cannot be written: ") + (errno != 0 ? std::strerror(errno) : image.message));
  }
}

template <typename Value>
png_image image_of(const Raster<Value> &raster, png_uint_32 format) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(raster.width);
  image.height = static_cast<png_uint_32>(raster.height);
  image.format = format;
  errno = 0;  // so that a reason found after the write is the write's own
  return image;
}

}  // namespace

LabelMap read_label_png(const std::string &path) {
  PngReader reader;
  open_png(reader, path);
  if (!read_header(reader)) fail(path, std::string("is a damaged PNG file: ") + reader.message);
  require_index_pixels(reader, path);

  const int64_t height = png_get_image_height(reader.png, reader.info);
  const int64_t width = png_get_image_width(reader.png, reader.info);
  require_room(height, width, path);
  LabelMap labels(height, width, 0);
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (int64_t y = 0; y < height; ++y) rows[static_cast<size_t>(y)] = &labels.at(y, 0);
  if (!read_pixels(reader, rows.data())) fail(path, std::string("is damaged or cut short: ") + reader.message);
  return labels;
}

Picture read_rgb_png(const std::string &path) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> guard(&image, png_image_free);
  const auto refuse = [&] { fail(path, std::string("no PNG can be read: ") + image.message); };
  if (!png_image_begin_read_from_file(&image, path.c_str())) refuse();
  image.format = PNG_FORMAT_RGB;
  require_room(image.height, image.width, path);
  Picture picture(image.height, image.width, {});
  if (!png_image_finish_read(&image, nullptr, picture.values.data(), 0, nullptr)) refuse();
  return picture;
}

void write_palette_png(const std::string &path, const LabelMap &labels, const std::array<Colour, 256> &palette) {
  static_assert(sizeof(Colour) == 3, "libpng reads the colours as packed bytes");
  png_image image = image_of(labels, PNG_FORMAT_RGB_COLORMAP);
  image.colormap_entries = static_cast<png_uint_32>(palette.size());
  write_image(image, path, labels.values.data(), palette.data());
}

void write_rgb_png(const std::string &path, const Picture &picture) {
  png_image image = image_of(picture, PNG_FORMAT_RGB);
  write_image(image, path, picture.values.data(), nullptr);
}

}  // namespace demo
