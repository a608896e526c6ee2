// The text that docs/format.md describes.
#include "file-stamp.h"

#include <inttypes.h>
#include <stdio.h>

namespace bundlefs {

std::string StampOf(const struct stat& file) {
  char stamp[96];  // three numbers of 20 characters and two of 9 at most
  const int length = snprintf(stamp, sizeof stamp, "%" PRIuMAX " %" PRIdMAX ".%09ld %" PRIdMAX ".%09ld",
                              static_cast<uintmax_t>(file.st_ino), static_cast<intmax_t>(file.st_mtim.tv_sec),
                              file.st_mtim.tv_nsec, static_cast<intmax_t>(file.st_ctim.tv_sec),
                              file.st_ctim.tv_nsec);
  return std::string(stamp, static_cast<size_t>(length));
}

}  // namespace bundlefs
