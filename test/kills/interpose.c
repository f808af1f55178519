/*
 * To be preloaded into a daemon and its children, and to be its PKCS#11 module: counts the places before and after each call that
 * changes something outside of the process, and kills the daemon at one of them. From the environment:
 *   KILLS_PAGE    what test and processes share, see below; beside it KILLS_PAGE.log, which gets the calls
 *   KILLS_ROOT    how the paths of the gateway begin; other files, as those of Node, are not counted
 *   KILLS_MODULE  path of the real module
 * Not counted are calls that only read files: they leave nothing, so a kill beside them is one beside the call before.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "pkcs11.h"
#include "real.h"

enum { DESCRIPTORS = 1024, PATH = 256 };

/* Little endian, as places.ts writes it. The daemon is the first process that begins when `daemon` is 0. */
static struct page {
  _Atomic uint64_t count, target;
  _Atomic uint32_t is_logging, only_syncs;
  _Atomic int32_t daemon;
  char at[PATH + 64];
} *page;

static int log_file = -1;
/* Copied, as the program may change its environment. */
static char root[4096];
/* What is behind a descriptor: libuv closes by syscall(2), so the inode tells whether it is still the same. */
static struct { ino_t inode; char path[PATH]; } known[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("KILLS_PAGE");
  int file = path ? syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  snprintf(root, sizeof root, "%s", getenv("KILLS_ROOT"));
  int32_t none = 0;
  atomic_compare_exchange_strong(&page->daemon, &none, getpid());
  char name[4096];
  snprintf(name, sizeof name, "%s.log", path);
  file = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CLOEXEC);
  log_file = syscall(SYS_fcntl, file, F_DUPFD_CLOEXEC, DESCRIPTORS);
  syscall(SYS_close, file);
}

/* One write, so that lines of several threads do not mix: side, name, path, two numbers, and so many bytes as the second says. */
static void note(char side, const char *name, const char *path, long number, const void *bytes, size_t length) {
  if (!page || !atomic_load(&page->is_logging)) return;
  char line[2 * PATH + 128];
  int size = snprintf(line, sizeof line, "%c\t%s\t%s\t%ld\t%zu\n", side, name, path, number, length);
  struct iovec parts[] = {{line, size}, {(void *)bytes, length}};
  syscall(SYS_writev, log_file, parts, length > 0 ? 2 : 1);
}

/* Those of the state directory come in the same order in each play of a story, so their numbers do not drift. */
static int is_counted(const char *name, const char *path) {
  return !atomic_load(&page->only_syncs) || (strstr(name, "sync") && strstr(path, "/state"));
}

static void place(const char *side, const char *name, const char *path) {
  if (!is_counted(name, path)) return;
  if (atomic_fetch_add(&page->count, 1) + 1 != atomic_load(&page->target)) return;
  snprintf(page->at, sizeof page->at, "%s %s %s", side, name, path);
  syscall(SYS_kill, atomic_load(&page->daemon), SIGKILL);
  syscall(SYS_kill, getpid(), SIGKILL);
}

static void before(const char *name, const char *path) {
  if (!path || !page) return;
  note('<', name, path, 0, NULL, 0);
  place("before", name, path);
}

static void after_with(const char *name, const char *path, long number, const void *bytes, size_t length) {
  if (!path || !page) return;
  note('>', name, path, number, bytes, length);
  place("after", name, path);
}

static void after(const char *name, const char *path) { after_with(name, path, 0, NULL, 0); }

/* The path, where it is one of the gateway. */
static const char *ours(const char *path) {
  return page && path && strncmp(path, root, strlen(root)) == 0 ? path : NULL;
}

static ino_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

static void know(int fd, const char *path) {
  if (fd < 0 || fd >= DESCRIPTORS) return;
  known[fd].inode = path ? inode_of(fd) : 0;
  if (path) snprintf(known[fd].path, PATH, "%s", path);
}

static const char *behind(int fd) {
  if (!page || fd < 0 || fd >= DESCRIPTORS || known[fd].inode == 0) return NULL;
  return inode_of(fd) == known[fd].inode ? known[fd].path : NULL;
}

static int opened(const char *name, const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
  const char *of = ours(path);
  int changes = flags & (O_CREAT | O_TRUNC);
  if (changes) before(name, of);
  int fd = real(path, flags, mode);
  know(fd, of);
  if (changes && fd >= 0) after_with(flags & O_TRUNC ? "truncate" : name, of, 0, NULL, 0);
  return fd;
}

#define OPEN(name)                                        \
  int name(const char *path, int flags, ...) {            \
    va_list rest;                                         \
    va_start(rest, flags);                                \
    mode_t mode = flags & O_CREAT ? va_arg(rest, int) : 0; \
    va_end(rest);                                         \
    return opened("open", path, flags, mode, REAL(name)); \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                    \
  FILE *name(const char *path, const char *mode) {     \
    const char *of = mode[0] == 'r' ? NULL : ours(path); \
    before("open", of);                                \
    FILE *file = REAL(name)(path, mode);               \
    if (file) know(fileno(file), ours(path));          \
    if (file) after(mode[0] == 'w' ? "truncate" : "open", of); \
    return file;                                       \
  }
FOPEN(fopen)
FOPEN(fopen64)

/* For calls that leave no more than their path in the log. */
#define CALL(type, name, of, parameters, arguments) \
  type name parameters {                            \
    const char *path = of;                          \
    before(#name, path);                            \
    type done = REAL(name) arguments;               \
    after(#name, path);                             \
    return done;                                    \
  }

/* Streams of SoftHSM: their bytes leave the process when they are flushed or closed. */
static const char *written_behind(FILE *file) {
  int fd = file ? fileno(file) : -1;
  return behind(fd) && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY ? known[fd].path : NULL;
}
CALL(int, fflush, written_behind(file), (FILE *file), (file))
CALL(int, fclose, written_behind(file), (FILE *file), (file))
CALL(int, fsync, behind(fd), (int fd), (fd))
CALL(int, fdatasync, behind(fd), (int fd), (fd))
CALL(int, fchmod, behind(fd), (int fd, mode_t mode), (fd, mode))
CALL(int, fchown, behind(fd), (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(int, unlink, ours(path_), (const char *path_), (path_))
CALL(int, remove, ours(path_), (const char *path_), (path_))
CALL(int, rmdir, ours(path_), (const char *path_), (path_))
CALL(int, mkdir, ours(path_), (const char *path_, mode_t mode), (path_, mode))
CALL(int, shutdown, behind(fd), (int fd, int how), (fd, how))
CALL(ssize_t, send, behind(fd), (int fd, const void *bytes, size_t n, int flags), (fd, bytes, n, flags))
CALL(ssize_t, sendmsg, behind(fd), (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(ssize_t, recv, behind(fd), (int fd, void *bytes, size_t n, int flags), (fd, bytes, n, flags))
CALL(ssize_t, recvmsg, behind(fd), (int fd, struct msghdr *message, int flags), (fd, message, flags))

static int is_socket(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && S_ISSOCK(found.st_mode);
}
static const char *socket_behind(int fd) {
  const char *path = behind(fd);
  return path && is_socket(fd) ? path : NULL;
}
CALL(ssize_t, read, socket_behind(fd), (int fd, void *bytes, size_t n), (fd, bytes, n))
CALL(ssize_t, readv, socket_behind(fd), (int fd, const struct iovec *parts, int n), (fd, parts, n))

int rename(const char *from, const char *to) {
  const char *path = ours(from);
  before("rename", path);
  int done = REAL(rename)(from, to);
  for (int fd = 0; path && done == 0 && fd < DESCRIPTORS; fd += 1)
    if (strcmp(known[fd].path, from) == 0) snprintf(known[fd].path, PATH, "%s", to);
  if (done == 0) after_with("rename", path, 0, to, strlen(to));
  return done;
}

/* The log gets where it was written, and what. */
static void wrote(const char *path, int fd, off_t at, const struct iovec *parts, ssize_t length) {
  if (!path || length < 0) return;
  off_t end = is_socket(fd) ? 0 : at >= 0 ? at + length : lseek(fd, 0, SEEK_CUR);
  char *bytes = malloc(length + 1);
  size_t have = 0;
  for (int n = 0; have < (size_t)length; n += 1) {
    size_t some = parts[n].iov_len < length - have ? parts[n].iov_len : length - have;
    memcpy(bytes + have, parts[n].iov_base, some);
    have += some;
  }
  after_with("write", path, end - length, bytes, is_socket(fd) ? 0 : length);
  free(bytes);
}

#define WRITE(name, parameters, arguments, at, parts)  \
  ssize_t name parameters {                            \
    const char *path = behind(fd);                     \
    before("write", path);                             \
    ssize_t done = REAL(name) arguments;               \
    wrote(path, fd, at, parts, done);                  \
    return done;                                       \
  }
#define ONE (&(struct iovec){(void *)bytes, n})
WRITE(write, (int fd, const void *bytes, size_t n), (fd, bytes, n), -1, ONE)
WRITE(pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at), at, ONE)
WRITE(pwrite64, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at), at, ONE)
WRITE(writev, (int fd, const struct iovec *parts, int n), (fd, parts, n), -1, parts)
WRITE(pwritev, (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at), at, parts)

#define FTRUNCATE(name)                                      \
  int name(int fd, off_t length) {                           \
    const char *path = behind(fd);                           \
    before("truncate", path);                                \
    int done = REAL(name)(fd, length);                       \
    if (done == 0) after_with("truncate", path, length, NULL, 0); \
    return done;                                             \
  }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

int connect(int fd, const struct sockaddr *address, socklen_t length) {
  char path[PATH] = "";
  if (page && address->sa_family == AF_INET)
    snprintf(path, sizeof path, "port %d", ntohs(((const struct sockaddr_in *)address)->sin_port));
  else if (page && address->sa_family == AF_UNIX && ours(((const struct sockaddr_un *)address)->sun_path))
    snprintf(path, sizeof path, "%s", ((const struct sockaddr_un *)address)->sun_path);
  const char *of = *path ? path : NULL;
  before("connect", of);
  int done = REAL(connect)(fd, address, length);
  know(fd, of);
  after("connect", of);
  return done;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
  int done = REAL(accept4)(fd, address, length, flags);
  if (page && done >= 0) {
    know(done, "accepted");
    after("accept", "accepted");
  }
  return done;
}

/* Each function of the module gets as many words as the one with the most has: C calls pass those that are not wanted by. */
static CK_FUNCTION_LIST around;
static CK_FUNCTION_LIST *real;
typedef CK_RV (*Any)(long, long, long, long, long, long, long, long);
#define PARAMETERS long a, long b, long c, long d, long e, long f, long g, long h
#define CK_PKCS11_FUNCTION_INFO(name)                           \
  static CK_RV around_##name(PARAMETERS) {                      \
    const char *path = page ? "token" : NULL;                   \
    before(#name, path);                                        \
    CK_RV done = ((Any)real->name)(a, b, c, d, e, f, g, h);     \
    after(#name, path);                                         \
    return done;                                                \
  }
#include "pkcs11f.h"
#undef CK_PKCS11_FUNCTION_INFO

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  if (!real) {
    const char *path = getenv("KILLS_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList ask = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
    if (!ask || ask(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    around.version = real->version;
#define CK_PKCS11_FUNCTION_INFO(name) around.name = (CK_##name)around_##name;
#include "pkcs11f.h"
#undef CK_PKCS11_FUNCTION_INFO
    around.C_GetFunctionList = C_GetFunctionList;
  }
  *list = &around;
  return CKR_OK;
}
