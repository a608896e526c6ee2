// lzma_block_buffer_decode, told beforehand how long the content must be, and held to it.
#include "block-decoder.h"

#include <algorithm>
#include <cstdlib>

namespace bundlefs {

namespace {

// The options that lzma_block_header_decode allocated, given back at the end of a scope. (lzma_filters_free
// is 5.4's.)
class Filters {
 public:
  Filters() { filters_[0] = {LZMA_VLI_UNKNOWN, nullptr}; }
  ~Filters() {
    for (lzma_filter* filter = filters_; filter->id != LZMA_VLI_UNKNOWN; ++filter) free(filter->options);
  }
  Filters(const Filters&) = delete;
  Filters& operator=(const Filters&) = delete;

  lzma_filter* get() { return filters_; }

  // No match reaches back further than the content is long: saves 8 MiB and more for each small block, and
  // keeps a damaged header from asking for 4 GiB.
  void ClampDictionary(size_t content_size) {
    for (lzma_filter* filter = filters_; filter->id != LZMA_VLI_UNKNOWN; ++filter) {
      if (filter->id != LZMA_FILTER_LZMA2) continue;
      auto* options = static_cast<lzma_options_lzma*>(filter->options);
      const size_t needed = std::max<size_t>(content_size, LZMA_DICT_SIZE_MIN);
      options->dict_size = static_cast<uint32_t>(std::min<size_t>(options->dict_size, needed));
    }
  }

 private:
  lzma_filter filters_[LZMA_FILTERS_MAX + 1];
};

}  // namespace

lzma_ret DecodeBlock(const uint8_t* block, size_t block_size, lzma_check check, uint8_t* content,
                     size_t content_size) {
  if (block_size == 0 || block[0] == 0) return LZMA_DATA_ERROR;  // a zero there begins an Index (§3.1.1)
  Filters filters;
  lzma_block header = {};
  header.version = 1;
  header.header_size = lzma_block_header_size_decode(block[0]);
  header.check = check;
  header.filters = filters.get();
  if (header.header_size > block_size) return LZMA_DATA_ERROR;
  lzma_ret status = lzma_block_header_decode(&header, nullptr, block);
  if (status != LZMA_OK) return status;
  if (header.uncompressed_size == LZMA_VLI_UNKNOWN) header.uncompressed_size = content_size;
  if (header.uncompressed_size != content_size) return LZMA_DATA_ERROR;
  filters.ClampDictionary(content_size);

  size_t block_position = header.header_size;
  size_t content_position = 0;
  status = lzma_block_buffer_decode(&header, nullptr, block, &block_position, block_size, content,
                                    &content_position, content_size);
  if (status == LZMA_BUF_ERROR) return LZMA_DATA_ERROR;  // more content than was said
  if (status != LZMA_OK) return status;
  return block_position == block_size && content_position == content_size ? LZMA_OK : LZMA_DATA_ERROR;
}

}  // namespace bundlefs
