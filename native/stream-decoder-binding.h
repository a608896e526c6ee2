// The stream decoder as JavaScript sees it; src/addon/decode-xz.ts is the caller.
#ifndef BUNDLEFS_STREAM_DECODER_BINDING_H_
#define BUNDLEFS_STREAM_DECODER_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportStreamDecoder(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_STREAM_DECODER_BINDING_H_
