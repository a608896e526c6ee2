// The protocol of sd_notify(3): a datagram of lines to the socket that the service manager listens at.
#include "notify-binding.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

namespace bundlefs {

namespace {

// 0 or an errno. Never waits: a manager that does not read its socket must not stop the mount.
int Send(const std::string& path, const std::string& message) {
  sockaddr_un address = {};
  if (path.empty() || path.size() >= sizeof address.sun_path) return EINVAL;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  // unix(7): a name in the abstract namespace begins with a zero byte and has no closing one.
  const bool is_abstract = path[0] == '@';
  if (is_abstract) address.sun_path[0] = '\0';
  const socklen_t length = offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1);

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  ssize_t sent;
  do {
    sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address), length);
  } while (sent < 0 && errno == EINTR);
  const int result = sent < 0 ? errno : 0;
  close(fd);
  return result;
}

Napi::Value NotifyService(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Send(info[0].As<Napi::String>().Utf8Value(),
                                            info[1].As<Napi::String>().Utf8Value()));
}

}  // namespace

void ExportNotify(Napi::Env env, Napi::Object exports) {
  exports["notifyService"] = Napi::Function::New(env, NotifyService, "notifyService");
}

}  // namespace bundlefs
