/*
 * To be preloaded: kills its process in the middle of a login, when the module has just emptied the file of the token (SoftHSM 2.6.1:
 * token.object by ftruncate; opencryptoki 3.23: NVTOK.DAT by open). Once for each time that the file $CUT_LOGIN is laid.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void cut(const char *path, const char *file) {
  const char *laid = getenv("CUT_LOGIN");
  if (strstr(path, file) && laid && unlink(laid) == 0) kill(getpid(), SIGKILL);
}

int ftruncate(int fd, off_t length) {
  int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate");
  int done = real(fd, length);
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (length == 0 && readlink(link, path, sizeof path - 1) > 0) cut(path, "/token.object");
  return done;
}

int open(const char *path, int flags, ...) {
  int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
  va_list rest;
  va_start(rest, flags);
  int fd = real(path, flags, va_arg(rest, int));
  va_end(rest);
  if (flags & O_TRUNC) cut(path, "/NVTOK.DAT");
  return fd;
}
