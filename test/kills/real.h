/*
 * The functions of the C library that interpose.c stands in front of. They are looked up beforehand: dlsym takes a lock, and the
 * signal handler of libuv reads and writes in the middle of whatever call a SIGCHLD meets, dlsym too. Seen with gdb
 * (glibc 2.41): a daemon stood still in dlsym, once in some 11,000 kills.
 */
#include <dlfcn.h>

#define NAMES(each)                                                                                                  \
  each(open) each(open64) each(fopen) each(fopen64) each(fflush) each(fclose) each(fsync) each(fdatasync)            \
  each(fchmod) each(fchown) each(unlink) each(remove) each(rmdir) each(mkdir) each(rename) each(shutdown)            \
  each(send) each(sendmsg) each(recv) each(recvmsg) each(read) each(readv) each(write) each(pwrite) each(pwrite64)   \
  each(writev) each(pwritev) each(ftruncate) each(ftruncate64) each(connect) each(accept4)

#define HELD(name) static __typeof__(&name) real_##name;
NAMES(HELD)

/* The constructor of another library may call one before. */
#define REAL(name) (real_##name ? real_##name : (__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FIND(name) real_##name = REAL(name);
__attribute__((constructor)) static void find(void) { NAMES(FIND) }
