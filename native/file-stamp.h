// What tells a file from others and from itself after a change, but for its content.
#ifndef BUNDLEFS_FILE_STAMP_H_
#define BUNDLEFS_FILE_STAMP_H_

#include <sys/stat.h>

#include <string>

namespace bundlefs {

// Inode and times of change, of content and of anything, as text: `<inode> <mtime> <ctime>`, in seconds with
// nine decimals.
std::string StampOf(const struct stat& file);

}  // namespace bundlefs

#endif  // BUNDLEFS_FILE_STAMP_H_
