// The read module as JavaScript sees it; src/addon/read-module.ts is the caller.
#ifndef BUNDLEFS_READ_MODULE_BINDING_H_
#define BUNDLEFS_READ_MODULE_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportReadModule(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_READ_MODULE_BINDING_H_
