// flock(2) as JavaScript sees it; src/addon/file-lock.ts is the caller.
#ifndef BUNDLEFS_FILE_LOCK_BINDING_H_
#define BUNDLEFS_FILE_LOCK_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportFileLock(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_FILE_LOCK_BINDING_H_
