// ZSTD_compressStream2 in steps, by one thread, with a context of its own for each frame.
#include "frame-encoder.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace bundlefs {

namespace {

// As with blocks, a cancelled encode stops within a step. Steps are part of what decides the bytes, as far as
// libzstd promises anything: they must not depend on anything but the content.
constexpr size_t kStepSize = 128 * 1024;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
// Not kept from one frame to the next: newer versions search their tables a little differently when these
// were used before, and the same content must give the same frame.
using Context = std::unique_ptr<ZSTD_CCtx, FreeContext>;

lzma_ret StatusOf(size_t code) {
  if (!ZSTD_isError(code)) return LZMA_OK;
  return ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation ? LZMA_MEM_ERROR : LZMA_PROG_ERROR;
}

lzma_ret Prepare(ZSTD_CCtx* context, size_t size, int level) {
  lzma_ret status = StatusOf(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level));
  if (status == LZMA_OK) status = StatusOf(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1));
  if (status == LZMA_OK) status = StatusOf(ZSTD_CCtx_setPledgedSrcSize(context, size));
  return status;
}

lzma_ret EncodeSteps(ZSTD_CCtx* context, const uint8_t* content, size_t size, ZSTD_outBuffer* output,
                     const std::atomic<bool>& cancelled) {
  ZSTD_inBuffer input = {content, 0, 0};
  for (;;) {
    if (cancelled.load(std::memory_order_relaxed)) return LZMA_BUF_ERROR;
    input.size += std::min(kStepSize, size - input.size);
    const bool is_last = input.size == size;
    const size_t rest = ZSTD_compressStream2(context, output, &input, is_last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(rest)) return StatusOf(rest);
    if (is_last && rest == 0) return LZMA_OK;
    if (output->pos == output->size) return LZMA_PROG_ERROR;  // the bound has room for every frame
  }
}

}  // namespace

EncodeResult EncodeFrame(const uint8_t* content, size_t size, const FrameSettings& settings,
                         const std::atomic<bool>& cancelled) {
  EncodeResult result;
  const Context context(ZSTD_createCCtx());
  const size_t bound = ZSTD_compressBound(size) + sizeof(uint32_t);  // and the checksum
  std::unique_ptr<uint8_t[]> output(new (std::nothrow) uint8_t[bound]);
  if (context == nullptr || output == nullptr) {
    result.status = LZMA_MEM_ERROR;
    return result;
  }
  ZSTD_outBuffer buffer = {output.get(), bound, 0};
  result.status = Prepare(context.get(), size, settings.level);
  if (result.status == LZMA_OK)
    result.status = EncodeSteps(context.get(), content, size, &buffer, cancelled);
  if (result.status != LZMA_OK) return result;
  result.size = buffer.pos;
  result.unpadded_size = buffer.pos;
  result.output = std::move(output);
  result.crc64 = lzma_crc64(result.bytes(), result.size, 0);
  return result;
}

}  // namespace bundlefs
