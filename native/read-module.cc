// Everything but read_buf goes on to fuse-native, and so does every read that the tables have no answer to:
// failures are told, logged and given an errno in one place, which is JavaScript.
#include "read-module.h"

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "extent-table.h"
#include "libfuse.h"
#include "pinned-runs.h"
#include "read-handles.h"

namespace bundlefs {

namespace {

using Runs = std::vector<ExtentTable::Run>;

// Runs that are spliced for one request. Two are what a request meets where blocks are not tiny, and fit into
// the pipe that libfuse makes for them, however they lie in their pages: a run takes one slot for each page
// and up to two more, and libfuse reckons with one more.
constexpr size_t kMaxSplicedRuns = 2;
// libfuse copies where the last run is smaller; with one copy less where it gets memory.
constexpr size_t kMinSplicedSize = 8192;

Libfuse libfuse;

// What the factory made for one mount, and libfuse hands to every function below.
struct Mount {
  fuse_fs* next;
};

fuse_fs* Next() { return static_cast<Mount*>(libfuse.get_context()->private_data)->next; }

// libfuse frees both with free().
fuse_bufvec* NewBuffers(size_t count) {
  const size_t size = sizeof(fuse_bufvec) + (count - 1) * sizeof(fuse_buf);
  auto* buffers = static_cast<fuse_bufvec*>(calloc(1, size));
  if (buffers != nullptr) buffers->count = count;
  return buffers;
}

// Runs that have just been located are of files as long as they must be. It has to be so: a short splice
// passes for the end of the whole.
bool CanSplice(const Runs& runs) {
  if (runs.empty() || runs.back().length < kMinSplicedSize) return false;
  for (const ExtentTable::Run& run : runs) {
    if (run.file == nullptr) return false;
  }
  return true;
}

// The runs as descriptors to splice from, which this thread keeps open. Null where memory is out.
fuse_bufvec* SpliceBuffers(uint64_t handle, Runs runs) {
  fuse_bufvec* buffers = NewBuffers(runs.size());
  if (buffers == nullptr) return nullptr;
  for (size_t index = 0; index < runs.size(); ++index) {
    fuse_buf& buffer = buffers->buf[index];
    buffer.size = runs[index].length;
    buffer.flags = static_cast<fuse_buf_flags>(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY);
    buffer.fd = runs[index].file->fd();
    buffer.pos = static_cast<off_t>(runs[index].position);
  }
  PinnedRuns::Keep(handle, std::move(runs));
  return buffers;
}

// The bytes, copied. Null where they cannot be had.
fuse_bufvec* MemoryBuffers(ExtentTable* table, size_t size, uint64_t position) {
  fuse_bufvec* buffers = NewBuffers(1);
  if (buffers == nullptr) return nullptr;
  fuse_buf& buffer = buffers->buf[0];
  buffer.mem = malloc(size == 0 ? 1 : size);
  const ssize_t count =
      buffer.mem == nullptr ? -1 : table->Read(static_cast<char*>(buffer.mem), size, position, 0);
  if (count >= 0) {
    buffer.size = static_cast<size_t>(count);
    return buffers;
  }
  free(buffer.mem);
  free(buffers);
  return nullptr;
}

// The answer to a read. Null where it fails.
fuse_bufvec* ReadTable(ExtentTable* table, uint64_t handle, size_t size, uint64_t position) {
  if (size >= kMinSplicedSize) {
    Runs runs;
    const ssize_t count = table->Locate(&runs, kMaxSplicedRuns, size, position, 0);
    if (count < 0 && count != -E2BIG) return nullptr;
    if (count > 0 && CanSplice(runs)) return SpliceBuffers(handle, std::move(runs));
  }
  return MemoryBuffers(table, size, position);
}

int ReadBuf(const char* path, fuse_bufvec** buffers, size_t size, off_t position, fuse_file_info* info) {
  if (const std::shared_ptr<ExtentTable> table = ReadHandles::Shared().Find(info->fh)) {
    *buffers = ReadTable(table.get(), info->fh, size, static_cast<uint64_t>(position));
    if (*buffers != nullptr) return 0;
  }
  return libfuse.fs_read_buf(Next(), path, buffers, size, position, info);
}

int Release(const char* path, fuse_file_info* info) {
  PinnedRuns::Drop(info->fh);
  return libfuse.fs_release(Next(), path, info);
}

void* Init(fuse_conn_info* connection) {
  auto* mount = static_cast<Mount*>(libfuse.get_context()->private_data);
  libfuse.fs_init(mount->next, connection);
  connection->want |= connection->capable & FUSE_CAP_SPLICE_WRITE;
  return mount;
}

void Destroy(void* data) {
  auto* mount = static_cast<Mount*>(data);
  libfuse.fs_destroy(mount->next);
  delete mount;
}

int Getattr(const char* path, struct stat* info) { return libfuse.fs_getattr(Next(), path, info); }

int Fgetattr(const char* path, struct stat* info, fuse_file_info* file) {
  return libfuse.fs_fgetattr(Next(), path, info, file);
}

int Readdir(const char* path, void* names, fuse_fill_dir_t fill, off_t position, fuse_file_info* info) {
  return libfuse.fs_readdir(Next(), path, names, fill, position, info);
}

int Statfs(const char* path, struct statvfs* info) { return libfuse.fs_statfs(Next(), path, info); }

int Open(const char* path, fuse_file_info* info) { return libfuse.fs_open(Next(), path, info); }

// What src/mount/fuse/fuse-operations.ts answers, no less: what is absent here is ENOSYS to the kernel.
fuse_operations Operations() {
  fuse_operations operations = {};
  operations.init = Init;
  operations.destroy = Destroy;
  operations.getattr = Getattr;
  operations.fgetattr = Fgetattr;
  operations.readdir = Readdir;
  operations.statfs = Statfs;
  operations.open = Open;
  operations.read_buf = ReadBuf;
  operations.release = Release;
  return operations;
}

fuse_fs* CreateModule(fuse_args*, fuse_fs* next[]) {
  if (next[0] == nullptr || next[1] != nullptr) return nullptr;
  const fuse_operations operations = Operations();
  auto* mount = new Mount{next[0]};
  fuse_fs* module = libfuse.fs_new(&operations, sizeof(operations), mount);
  if (module == nullptr) delete mount;
  return module;
}

}  // namespace

std::string RegisterReadModule() {
  static fuse_module module = {kReadModuleName, CreateModule, nullptr, nullptr, 0};
  static bool is_registered = false;
  if (is_registered) return "";
  std::string obstacle = FindLibfuse(&libfuse);
  if (!obstacle.empty()) return obstacle;
  libfuse.register_module(&module);
  is_registered = true;
  return "";
}

}  // namespace bundlefs
