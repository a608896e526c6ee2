// Decodes whole .xz files, foreign ones too, in steps of bounded output.
#ifndef BUNDLEFS_STREAM_DECODER_H_
#define BUNDLEFS_STREAM_DECODER_H_

#include <lzma.h>

#include <cstddef>
#include <cstdint>

namespace bundlefs {

struct StreamDecoderLimits {
  uint32_t threads;
  uint64_t threading_memory;  // above it, fewer threads are used
  uint64_t memory;            // above it, decoding fails with LZMA_MEMLIMIT_ERROR
};

// One thread at a time; with liblzma 5.4 or later several blocks are decoded at once inside.
class StreamDecoder {
 public:
  struct Progress {
    lzma_ret status;  // LZMA_OK: there is more to do; LZMA_STREAM_END: all is done; else what went wrong
    size_t consumed;
    size_t produced;
  };

  explicit StreamDecoder(const StreamDecoderLimits& limits);
  ~StreamDecoder();
  StreamDecoder(const StreamDecoder&) = delete;
  StreamDecoder& operator=(const StreamDecoder&) = delete;

  // Goes on until the input is used up or the output is full, whichever is first. With `is_last`, no further
  // input will come, and the input is used up only at LZMA_STREAM_END; LZMA_BUF_ERROR then means that it ends
  // too early.
  Progress Step(const uint8_t* input, size_t input_size, bool is_last, uint8_t* output, size_t output_size);

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret status_;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_STREAM_DECODER_H_
