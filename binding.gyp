# Builds build/Release/bundlefs.node: `npx node-gyp rebuild`. Needs a C++17 compiler and liblzma-dev.
{
  'targets': [
    {
      'target_name': 'bundlefs',
      'sources': [
        'native/addon.cc',
        'native/block-decoder.cc',
        'native/block-encoder.cc',
        'native/block-codec-binding.cc',
        'native/encode-requests.cc',
        'native/encoder-pool.cc',
        'native/extent-reader-binding.cc',
        'native/extent-table.cc',
        'native/fd-cache.cc',
        'native/file-lock-binding.cc',
        'native/stream-decoder.cc',
        'native/stream-decoder-binding.cc',
      ],
      'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api"],
      'defines': ['NAPI_VERSION=9', '_FILE_OFFSET_BITS=64'],
      'cflags': ['-Wall', '-Wextra', "<!@(node -p \"process.env.CI ? '-Werror' : ''\")", '-fvisibility=hidden'],
      'cflags_cc': ['-std=c++17'],
      'libraries': ['-llzma'],
    },
  ],
}
