// Decodes one .xz Block (.xz 1.2.1 §3) whole and verifies its check.
#ifndef BUNDLEFS_BLOCK_DECODER_H_
#define BUNDLEFS_BLOCK_DECODER_H_

#include <lzma.h>

#include <cstddef>
#include <cstdint>

namespace bundlefs {

// Fills `content`, exactly `content_size` bytes, from the block in `block`, exactly `block_size` bytes with
// its padding. LZMA_OK, or the reason: LZMA_DATA_ERROR for everything that is not as it should be.
lzma_ret DecodeBlock(const uint8_t* block, size_t block_size, lzma_check check, uint8_t* content,
                     size_t content_size);

}  // namespace bundlefs

#endif  // BUNDLEFS_BLOCK_DECODER_H_
