// Keeps files open that libfuse is still splicing from: it says nothing when it is through with them.
#ifndef BUNDLEFS_PINNED_RUNS_H_
#define BUNDLEFS_PINNED_RUNS_H_

#include <cstdint>
#include <vector>

#include "extent-table.h"

namespace bundlefs {

// Each thread keeps the runs of the last read that it answered. libfuse 2 answers a request in the thread
// that it called read_buf in, and before it takes up another one (fuse_lib_read, fuse_do_work). So a
// descriptor is in use until its thread comes back, ends, or another one is told of the handle's release; the
// kernel tells of that after all of the handle's reads have been answered. A descriptor closed earlier could
// be another file's by then.
class PinnedRuns {
 public:
  // Keeps `runs` for `handle`, in place of what this thread kept before.
  static void Keep(uint64_t handle, std::vector<ExtentTable::Run> runs);
  // Lets go of what threads keep for `handle`, whose release has come: idle threads would hold it as long as
  // the mount stands.
  static void Drop(uint64_t handle);
};

}  // namespace bundlefs

#endif  // BUNDLEFS_PINNED_RUNS_H_
