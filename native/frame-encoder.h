// Encodes one zstd frame (RFC 8878 §3.1.1) with content size and checksum.
#ifndef BUNDLEFS_FRAME_ENCODER_H_
#define BUNDLEFS_FRAME_ENCODER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "block-encoder.h"

namespace bundlefs {

// What decides a frame's bytes, together with its content and the version of libzstd.
struct FrameSettings {
  int level;  // 1 to 19
};

// The frame of `content`, which must stay as it is until this returns; unpadded_size is its size. The status is
// LZMA_OK, LZMA_MEM_ERROR, LZMA_PROG_ERROR for all else that libzstd says, or LZMA_BUF_ERROR soon after
// `cancelled` is set.
EncodeResult EncodeFrame(const uint8_t* content, size_t size, const FrameSettings& settings,
                         const std::atomic<bool>& cancelled);

}  // namespace bundlefs

#endif  // BUNDLEFS_FRAME_ENCODER_H_
