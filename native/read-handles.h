// The tables that open handles of a mount read from, by the handles' numbers.
#ifndef BUNDLEFS_READ_HANDLES_H_
#define BUNDLEFS_READ_HANDLES_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "extent-table.h"

namespace bundlefs {

// Safe for any thread. A number is nobody else's in this process, whichever mount it is of: another mount's
// handle must never find this one's table.
class ReadHandles {
 public:
  // JavaScript gives files without a table numbers below this one.
  static constexpr uint64_t kFirst = UINT64_C(1) << 30;

  // Those of the whole process.
  static ReadHandles& Shared();

  // A number for a handle that reads `table`, from kFirst to 2^31 - 1: fuse-native carries no more.
  uint64_t Open(std::shared_ptr<ExtentTable> table);
  // Lets go of the table; whoever found it before keeps it until the read is done.
  void Close(uint64_t handle);
  // Null for handles that are closed, and for those that never had a table.
  std::shared_ptr<ExtentTable> Find(uint64_t handle);

 private:
  static constexpr uint64_t kEnd = UINT64_C(1) << 31;

  std::mutex mutex_;
  uint64_t next_ = kFirst;
  std::unordered_map<uint64_t, std::shared_ptr<ExtentTable>> tables_;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_READ_HANDLES_H_
