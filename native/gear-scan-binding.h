// The scan for places where a piece may end.
#ifndef BUNDLEFS_GEAR_SCAN_BINDING_H_
#define BUNDLEFS_GEAR_SCAN_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportGearScan(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_GEAR_SCAN_BINDING_H_
