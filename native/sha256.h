// SHA-256 (FIPS 180-4), for what is read outside of JavaScript.
#ifndef BUNDLEFS_SHA256_H_
#define BUNDLEFS_SHA256_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace bundlefs {

class Sha256 {
 public:
  using Digest = std::array<uint8_t, 32>;

  void Update(const uint8_t* bytes, size_t length);
  // The digest of all that was given; ends the object's life.
  Digest Finish();

 private:
  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> rest_;
  size_t rest_size_ = 0;
  uint64_t size_ = 0;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_SHA256_H_
