// libzstd's own decoder, told beforehand how long the content must be, or asked for as much as there is room for.
#include "frame-decoder.h"

#include <zstd_errors.h>

namespace bundlefs {

int DecodeFrame(const uint8_t* frame, size_t frame_size, uint8_t* content, size_t content_size) {
  if (ZSTD_getFrameContentSize(frame, frame_size) != content_size) return ZSTD_error_corruption_detected;
  if (ZSTD_findFrameCompressedSize(frame, frame_size) != frame_size) return ZSTD_error_corruption_detected;
  const size_t size = ZSTD_decompress(content, content_size, frame, frame_size);
  if (ZSTD_isError(size)) return ZSTD_getErrorCode(size);
  return size == content_size ? 0 : ZSTD_error_corruption_detected;
}

FrameStreamDecoder::FrameStreamDecoder()
    : context_(ZSTD_createDCtx()), status_(context_ == nullptr ? -ZSTD_error_memory_allocation : kMore) {}

FrameStreamDecoder::~FrameStreamDecoder() { ZSTD_freeDCtx(context_); }

FrameStreamDecoder::Progress FrameStreamDecoder::Step(const uint8_t* input, size_t input_size, bool is_last,
                                                      uint8_t* output, size_t output_size) {
  ZSTD_inBuffer in = {input, input_size, 0};
  ZSTD_outBuffer out = {output, output_size, 0};
  while (status_ == kMore && out.pos < out.size) {
    // Called without input there, libzstd would wait for a frame that may never come.
    if (is_between_frames_ && in.pos == in.size) break;
    const size_t consumed = in.pos;
    const size_t produced = out.pos;
    const size_t rest = ZSTD_decompressStream(context_, &out, &in);
    if (ZSTD_isError(rest)) {
      status_ = -ZSTD_getErrorCode(rest);
      break;
    }
    is_between_frames_ = rest == 0;
    if (in.pos == consumed && out.pos == produced) break;
  }
  if (status_ == kMore && is_last && in.pos == in.size && out.pos < out.size) {
    status_ = is_between_frames_ ? kEnd : kEndsEarly;
  }
  return {status_, in.pos, out.pos};
}

}  // namespace bundlefs
