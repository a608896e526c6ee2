// Decodes zstd frames (RFC 8878): one whole, or a file of them in steps. Checksums are verified.
#ifndef BUNDLEFS_FRAME_DECODER_H_
#define BUNDLEFS_FRAME_DECODER_H_

#include <zstd.h>

#include <cstddef>
#include <cstdint>

namespace bundlefs {

// Fills `content`, exactly `content_size` bytes, from the one frame in `frame`, exactly `frame_size` bytes, which
// must say its content's size. 0, or a ZSTD_ErrorCode: ZSTD_error_corruption_detected for what libzstd finds
// nothing wrong with, and is another size or no single frame.
int DecodeFrame(const uint8_t* frame, size_t frame_size, uint8_t* content, size_t content_size);

// One thread at a time.
class FrameStreamDecoder {
 public:
  // Statuses below 0 are ZSTD_ErrorCodes, negated.
  static constexpr int kMore = 0;
  static constexpr int kEnd = 1;
  static constexpr int kEndsEarly = 2;

  struct Progress {
    int status;
    size_t consumed;
    size_t produced;
  };

  FrameStreamDecoder();
  ~FrameStreamDecoder();
  FrameStreamDecoder(const FrameStreamDecoder&) = delete;
  FrameStreamDecoder& operator=(const FrameStreamDecoder&) = delete;

  // Goes on until the input is used up or the output is full, whichever is first. With `is_last`, no further
  // input will come: kEnd when all is decoded, kEndsEarly where that is within a frame.
  Progress Step(const uint8_t* input, size_t input_size, bool is_last, uint8_t* output, size_t output_size);

 private:
  ZSTD_DCtx* context_;
  int status_;
  bool is_between_frames_ = true;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_FRAME_DECODER_H_
