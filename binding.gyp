# Builds build/Release/bundlefs.node: `npx node-gyp rebuild`. Needs a C++17 compiler and liblzma-dev.
{
  'targets': [
    {
      'target_name': 'bundlefs',
      'sources': [
        'native/addon.cc',
        'native/block-codec-binding.cc',
        'native/block-decoder.cc',
        'native/block-encoder.cc',
        'native/device-io-binding.cc',
        'native/encode-requests.cc',
        'native/encoder-pool.cc',
        'native/extent-reader-binding.cc',
        'native/extent-table.cc',
        'native/fd-cache.cc',
        'native/file-lock-binding.cc',
        'native/file-stamp-binding.cc',
        'native/gear-scan-binding.cc',
        'native/libfuse.cc',
        'native/memory-use.cc',
        'native/notify-binding.cc',
        'native/pinned-runs.cc',
        'native/read-handles.cc',
        'native/read-module.cc',
        'native/read-module-binding.cc',
        'native/stream-decoder.cc',
        'native/stream-decoder-binding.cc',
      ],
      'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api"],
      # Headers only, those that come with fuse-native: libfuse itself is found at run time, where there is one.
      'include_dirs': ["<!(node -p \"require('module').createRequire(require.resolve('fuse-native'))('fuse-shared-library-linux').include\")"],
      'defines': ['NAPI_VERSION=9', '_FILE_OFFSET_BITS=64'],
      'cflags': ['-Wall', '-Wextra', "<!@(node -p \"process.env.CI ? '-Werror' : ''\")", '-fvisibility=hidden'],
      'cflags_cc': ['-std=c++17'],
      'libraries': ['-llzma', '-ldl'],
    },
  ],
}
