// Opens files of folders that others may write to: no link is followed, in no part of the path.
#ifndef BUNDLEFS_OPEN_WITHOUT_LINKS_H_
#define BUNDLEFS_OPEN_WITHOUT_LINKS_H_

namespace bundlefs {

// open(2) of the absolute `path` with O_CLOEXEC and O_NONBLOCK. A symbolic link anywhere in it is ELOOP or
// ENOTDIR. The descriptor, or a negative errno.
int OpenWithoutLinks(const char* path, int flags);

}  // namespace bundlefs

#endif  // BUNDLEFS_OPEN_WITHOUT_LINKS_H_
