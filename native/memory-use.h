// How the process's allocator treats the buffers that this program is made of.
#ifndef BUNDLEFS_MEMORY_USE_H_
#define BUNDLEFS_MEMORY_USE_H_

namespace bundlefs {

// Has buffers of 256 KiB and more given back to the system when they are freed, in the whole process.
void ReturnLargeMemory();

}  // namespace bundlefs

#endif  // BUNDLEFS_MEMORY_USE_H_
