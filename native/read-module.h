// Answers the reads of a mount in libfuse's threads: a module between libfuse 2 and fuse-native.
#ifndef BUNDLEFS_READ_MODULE_H_
#define BUNDLEFS_READ_MODULE_H_

#include <string>

namespace bundlefs {

// What a mount says to be served by it: `modules=` and this. src/addon/read-module.ts has it too.
constexpr char kReadModuleName[] = "bundlefs_reads";

// Makes the module known to the libfuse of this process, once. Returns "", or what stands in the way, as the
// rest of a sentence. For one thread, the main one.
std::string RegisterReadModule();

}  // namespace bundlefs

#endif  // BUNDLEFS_READ_MODULE_H_
