// What reading a file back from its device takes and Node has not; src/addon/device-io.ts is the caller.
#ifndef BUNDLEFS_DEVICE_IO_BINDING_H_
#define BUNDLEFS_DEVICE_IO_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportDeviceIo(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_DEVICE_IO_BINDING_H_
