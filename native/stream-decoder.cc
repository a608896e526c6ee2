// lzma_code in a loop, with the two meanings of LZMA_BUF_ERROR told apart.
#include "stream-decoder.h"

namespace bundlefs {

namespace {

// A check that cannot be verified is an error, for it might hide wrong bytes.
constexpr uint32_t kFlags = LZMA_CONCATENATED | LZMA_TELL_UNSUPPORTED_CHECK;

lzma_ret Begin(lzma_stream* stream, const StreamDecoderLimits& limits) {
#if LZMA_VERSION >= UINT32_C(50040002)
  lzma_mt options = {};
  options.flags = kFlags;
  options.threads = limits.threads;
  options.memlimit_threading = limits.threading_memory;
  options.memlimit_stop = limits.memory;
  return lzma_stream_decoder_mt(stream, &options);
#else
  return lzma_stream_decoder(stream, limits.memory, kFlags);
#endif
}

}  // namespace

StreamDecoder::StreamDecoder(const StreamDecoderLimits& limits) : status_(Begin(&stream_, limits)) {}

StreamDecoder::~StreamDecoder() { lzma_end(&stream_); }

StreamDecoder::Progress StreamDecoder::Step(const uint8_t* input, size_t input_size, bool is_last,
                                            uint8_t* output, size_t output_size) {
  stream_.next_in = input;
  stream_.avail_in = input_size;
  stream_.next_out = output;
  stream_.avail_out = output_size;
  const auto has_work = [&] { return stream_.avail_out > 0 && (is_last || stream_.avail_in > 0); };
  while (status_ == LZMA_OK && has_work()) {
    status_ = lzma_code(&stream_, is_last ? LZMA_FINISH : LZMA_RUN);
    // No progress for want of room or of input is no error: the next step brings more. (At the last input's
    // end, with room left, it is one, and stays.)
    if (status_ == LZMA_BUF_ERROR && !has_work()) status_ = LZMA_OK;
  }
  return {status_, input_size - stream_.avail_in, output_size - stream_.avail_out};
}

}  // namespace bundlefs
