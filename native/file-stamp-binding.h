// What tells files from others, and from themselves after a change.
#ifndef BUNDLEFS_FILE_STAMP_BINDING_H_
#define BUNDLEFS_FILE_STAMP_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportFileStamp(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_FILE_STAMP_BINDING_H_
