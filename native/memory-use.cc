// glibc keeps freed memory in the arena of the thread that allocated it; pieces come and go in sizes up to
// 16 MiB on many threads, and a full build would hold half as much again as it uses.
#include "memory-use.h"

#include <malloc.h>

namespace bundlefs {

void ReturnLargeMemory() {
#ifdef M_MMAP_THRESHOLD
  // Setting it also ends its growth: after the first free of a large buffer it would be up to 32 MiB
  // (mallopt(3)).
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
}

}  // namespace bundlefs
