/*
 * To be preloaded: kills its process in the middle of a login, when SoftHSM 2.6.1 has just emptied token.object. Once for each time
 * that the file $CUT_LOGIN is laid.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int ftruncate(int fd, off_t length) {
  int (*real)(int, off_t) = (int (*)(int, off_t))dlsym(RTLD_NEXT, "ftruncate");
  int done = real(fd, length);
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, path, sizeof path - 1) < 0 || length != 0 || !strstr(path, "/token.object")) return done;
  const char *laid = getenv("CUT_LOGIN");
  if (laid && unlink(laid) == 0) kill(getpid(), SIGKILL);
  return done;
}
