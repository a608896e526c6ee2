// The extent table as JavaScript sees it; src/addon/extent-reader.ts is the caller.
#ifndef BUNDLEFS_EXTENT_READER_BINDING_H_
#define BUNDLEFS_EXTENT_READER_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportExtentTable(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_EXTENT_READER_BINDING_H_
