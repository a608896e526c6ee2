// The addon's entry: called once for each environment (main thread, worker threads) that loads it.
#include <napi.h>

#include "block-codec-binding.h"
#include "device-io-binding.h"
#include "encode-requests.h"
#include "extent-reader-binding.h"
#include "file-lock-binding.h"
#include "file-stamp-binding.h"
#include "frame-codec-binding.h"
#include "gear-scan-binding.h"
#include "memory-use.h"
#include "notify-binding.h"
#include "read-module-binding.h"
#include "stream-decoder-binding.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  bundlefs::ReturnLargeMemory();
  env.SetInstanceData(new bundlefs::EncodeRequests(env));
  bundlefs::ExportBlockCodec(env, exports);
  bundlefs::ExportDeviceIo(env, exports);
  bundlefs::ExportFileLock(env, exports);
  bundlefs::ExportFileStamp(env, exports);
  bundlefs::ExportFrameCodec(env, exports);
  bundlefs::ExportGearScan(env, exports);
  bundlefs::ExportNotify(env, exports);
  bundlefs::ExportStreamDecoder(env, exports);
  bundlefs::ExportExtentTable(env, exports);
  bundlefs::ExportReadModule(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(bundlefs, Init)
