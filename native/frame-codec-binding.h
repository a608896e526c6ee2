// Frames as JavaScript sees them.
#ifndef BUNDLEFS_FRAME_CODEC_BINDING_H_
#define BUNDLEFS_FRAME_CODEC_BINDING_H_

#include <napi.h>

namespace bundlefs {

void ExportFrameCodec(Napi::Env env, Napi::Object exports);

}  // namespace bundlefs

#endif  // BUNDLEFS_FRAME_CODEC_BINDING_H_
