// One .xz Block: the data first, behind room for the largest header, then the header right in front of it.
#include "block-encoder.h"

#include <algorithm>
#include <new>
#include <utility>

namespace bundlefs {

namespace {

// Content is handed to liblzma in steps, so that a cancelled encode stops within some 20 ms. LZMA2 output
// does not depend on the size of the steps: the encoder waits for its full look-ahead before it decides.
constexpr size_t kStepSize = 64 * 1024;

// LZMA2 knows dictionaries of 2^n and 2^n + 2^(n-1) bytes (.xz 1.2.1 §5.3.1).
uint32_t SmallestDictionary(uint64_t content_size) {
  for (uint32_t size = LZMA_DICT_SIZE_MIN; size < (UINT32_C(1) << 31); size *= 2) {
    if (size >= content_size) return size;
    if (size + size / 2 >= content_size) return size + size / 2;
  }
  return UINT32_MAX;
}

// lzma_block_buffer_bound supposes stored chunks of 64 KiB. The encoder cuts incompressible chunks a little
// earlier: 6 bytes of header for each 60,000 or so, for which 1/4096 is ample.
size_t OutputBound(size_t content_size) {
  return lzma_block_buffer_bound(content_size) + content_size / 4096 + LZMA_BLOCK_HEADER_SIZE_MAX;
}

// The LZMA2 options of `preset` for content of `content_size` bytes: a dictionary no larger than the content needs.
lzma_options_lzma OptionsFor(uint32_t preset, uint64_t content_size) {
  lzma_options_lzma options;
  // An unknown preset leaves options that liblzma refuses when it begins to encode.
  if (lzma_lzma_preset(&options, preset)) options = {};
  options.dict_size = std::min(options.dict_size, SmallestDictionary(content_size));
  return options;
}

}  // namespace

BlockEncoder::~BlockEncoder() { lzma_end(&stream_); }

EncodeResult BlockEncoder::Encode(const uint8_t* content, size_t size, const EncodeSettings& settings,
                                  const std::atomic<bool>& cancelled) {
  EncodeResult result;
  // Given to the receiver as it is. Memory that is never written to is never taken from the system.
  const size_t output_size = OutputBound(size);
  std::unique_ptr<uint8_t[]> output(new (std::nothrow) uint8_t[output_size]);
  if (output == nullptr) {
    result.status = LZMA_MEM_ERROR;
    return result;
  }
  stream_.next_out = output.get() + LZMA_BLOCK_HEADER_SIZE_MAX;
  stream_.avail_out = output_size - LZMA_BLOCK_HEADER_SIZE_MAX;
  lzma_options_lzma options = OptionsFor(settings.preset, size);
  lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  lzma_block block = {};
  block.check = settings.check;
  block.compressed_size = LZMA_VLI_UNKNOWN;
  block.uncompressed_size = size;
  block.filters = filters;

  result.status = lzma_block_encoder(&stream_, &block);
  if (result.status == LZMA_OK) result.status = EncodeData(content, size, cancelled);
  // The encoder has filled in both sizes, with which the header is as short as it can be.
  if (result.status == LZMA_OK) result.status = lzma_block_header_size(&block);
  if (result.status != LZMA_OK) return result;
  result.start = LZMA_BLOCK_HEADER_SIZE_MAX - block.header_size;
  result.status = lzma_block_header_encode(&block, output.get() + result.start);
  if (result.status != LZMA_OK) return result;

  result.size = stream_.next_out - output.get() - result.start;
  result.unpadded_size = lzma_block_unpadded_size(&block);
  result.output = std::move(output);
  result.crc64 = lzma_crc64(result.bytes(), result.size, 0);
  return result;
}

lzma_ret BlockEncoder::EncodeData(const uint8_t* content, size_t size, const std::atomic<bool>& cancelled) {
  stream_.next_in = content;
  stream_.avail_in = 0;
  size_t given = 0;
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK) {
    if (cancelled.load(std::memory_order_relaxed)) return LZMA_BUF_ERROR;
    size_t step = std::min(kStepSize, size - given);
    stream_.avail_in += step;
    given += step;
    status = lzma_code(&stream_, given == size ? LZMA_FINISH : LZMA_RUN);
  }
  return status == LZMA_STREAM_END ? LZMA_OK : status;
}

}  // namespace bundlefs
