// libjpeg reports errors through a function that must not return and warnings, of which a file cut short is one,
// through another. Both jump, past no destructor: decode() holds plain values only.
#include "jpeg_io.h"

#include <cerrno>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE
#include <cstring>

#include <jpeglib.h>

namespace camvid {
namespace {

struct JpegReader {
  std::FILE* file = nullptr;
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf on_error;
  char message[JMSG_LENGTH_MAX] = "";

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() {
    jpeg_destroy_decompress(&jpeg);
    if (file != nullptr) std::fclose(file);
  }
};

void keep_message_and_jump(j_common_ptr jpeg) {
  auto* reader = static_cast<JpegReader*>(jpeg->client_data);
  jpeg->err->format_message(jpeg, reader->message);
  std::longjmp(reader->on_error, 1);
}

/// Levels from 0 up are for tracing.
void stop_at_warning(j_common_ptr jpeg, int level) {
  if (level < 0) keep_message_and_jump(jpeg);
}

/// False: reader.message says why.
bool decode(JpegReader& reader, demo::Picture& picture) {
  if (setjmp(reader.on_error)) return false;
  jpeg_create_decompress(&reader.jpeg);
  jpeg_stdio_src(&reader.jpeg, reader.file);
  jpeg_read_header(&reader.jpeg, TRUE);
  reader.jpeg.out_color_space = JCS_RGB;
  jpeg_start_decompress(&reader.jpeg);
  picture = demo::Picture(reader.jpeg.output_height, reader.jpeg.output_width, {});
  while (reader.jpeg.output_scanline < reader.jpeg.output_height) {
    static_assert(sizeof(demo::Colour) == 3, "libjpeg writes packed bytes");
    auto* row = reinterpret_cast<JSAMPROW>(&picture.at(reader.jpeg.output_scanline, 0));
    jpeg_read_scanlines(&reader.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&reader.jpeg);
  return true;
}

}  // namespace

demo::Picture read_rgb_jpeg(const std::string& path) {
  JpegReader reader;
  reader.file = std::fopen(path.c_str(), "rb");
  if (reader.file == nullptr) throw demo::InputError("'" + path + "': cannot be opened: " + std::strerror(errno));
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.jpeg.client_data = &reader;
  reader.errors.error_exit = keep_message_and_jump;
  reader.errors.emit_message = stop_at_warning;
  demo::Picture picture;
  if (!decode(reader, picture)) throw demo::InputError("'" + path + "': no JPEG can be read: " + reader.message);
  return picture;
}

}  // namespace camvid
