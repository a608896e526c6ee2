// The block codec as JavaScript sees it; src/addon/raw-addon.ts has the signatures.
#ifndef BUNDLEFS_BLOCK_CODEC_BINDING_H_
#define BUNDLEFS_BLOCK_CODEC_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportBlockCodec(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_BLOCK_CODEC_BINDING_H_
