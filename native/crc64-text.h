// A CRC64 as it goes to JavaScript: 16 lower-case hex digits.
#ifndef BUNDLEFS_CRC64_TEXT_H_
#define BUNDLEFS_CRC64_TEXT_H_

#include <napi.h>

#include <cinttypes>
#include <cstdio>

namespace bundlefs {

inline Napi::String Crc64Text(Napi::Env env, uint64_t crc64) {
  char text[17];
  snprintf(text, sizeof text, "%016" PRIx64, crc64);
  return Napi::String::New(env, text);
}

}  // namespace bundlefs

#endif  // BUNDLEFS_CRC64_TEXT_H_
