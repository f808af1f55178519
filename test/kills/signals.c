/*
 * Its signal handler reads and writes, as that of libuv for SIGCHLD does: in the middle of whatever call it meets. Ends with 0.
 *   signals write   writes, so the handler meets a call that is counted
 *   signals load    loads a library that is not there, as a daemon does at its start: the handler meets dlopen or dlerror
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static int ends[2];

static void handler(int signal) {
  char byte = signal;
  if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) abort();
}

static int failed_load(void) {
  const char *told = dlopen("/none/none.so", RTLD_NOW) ? NULL : dlerror();
  return told && strstr(told, "/none/none.so");
}

int main(int count, char **words) {
  int file = open("/dev/null", O_WRONLY);
  if (count != 2 || file < 0 || pipe(ends) != 0) return 1;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  struct itimerval each = {{0, 50}, {0, 50}};
  if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &each, NULL) != 0) return 1;
  int loads = strcmp(words[1], "load") == 0;
  for (int n = 0; n < (loads ? 50000 : 1000000); n += 1)
    if (loads ? !failed_load() : write(file, "x", 1) != 1) return 1;
  return 0;
}
