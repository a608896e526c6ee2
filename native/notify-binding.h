// One datagram to a Unix socket, which Node cannot send; src/addon/notify-service.ts is the caller.
#ifndef BUNDLEFS_NOTIFY_BINDING_H_
#define BUNDLEFS_NOTIFY_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportNotify(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_NOTIFY_BINDING_H_
