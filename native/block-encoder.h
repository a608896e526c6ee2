// Encodes one standalone .xz Block (.xz 1.2.1 §3): header with both sizes, LZMA2 data, padding, check.
#ifndef BUNDLEFS_BLOCK_ENCODER_H_
#define BUNDLEFS_BLOCK_ENCODER_H_

#include <lzma.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bundlefs {

// What decides a block's bytes, together with its content and the version of liblzma.
struct EncodeSettings {
  uint32_t preset;  // 0 to 9, with LZMA_PRESET_EXTREME or without
  lzma_check check;
};

struct EncodeResult {
  lzma_ret status = LZMA_OK;
  std::unique_ptr<uint8_t[]> output;  // has the block at `start`; null where status is not LZMA_OK
  size_t start = 0;
  size_t size = 0;  // of the block with its padding
  uint64_t unpadded_size = 0;
  uint64_t crc64 = 0;  // of the block

  const uint8_t* bytes() const { return output.get() + start; }
};

// Keeps liblzma's allocations from one block to the next. One thread at a time.
class BlockEncoder {
 public:
  BlockEncoder() = default;
  ~BlockEncoder();
  BlockEncoder(const BlockEncoder&) = delete;
  BlockEncoder& operator=(const BlockEncoder&) = delete;

  // `content` must stay as it is until this returns. Once `cancelled` is set this soon returns
  // LZMA_BUF_ERROR.
  EncodeResult Encode(const uint8_t* content, size_t size, const EncodeSettings& settings,
                      const std::atomic<bool>& cancelled);

 private:
  lzma_ret EncodeData(const uint8_t* content, size_t size, const std::atomic<bool>& cancelled);

  lzma_stream stream_ = LZMA_STREAM_INIT;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_BLOCK_ENCODER_H_
