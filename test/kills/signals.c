/*
 * Writes, and its signal handler reads and writes, as that of libuv for SIGCHLD does: in the middle of whatever call it meets.
 * Ends with 0 when all is written.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static int ends[2];

static void handler(int signal) {
  char byte = signal;
  if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) abort();
}

int main(void) {
  int file = open("/dev/null", O_WRONLY);
  if (file < 0 || pipe(ends) != 0) return 1;
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  struct itimerval each = {{0, 50}, {0, 50}};
  if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &each, NULL) != 0) return 1;
  for (int n = 0; n < 1000000; n += 1)
    if (write(file, "x", 1) != 1) return 1;
  return 0;
}
