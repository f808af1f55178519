/*
 * A PKCS#11 module around another one, whose answers a test commands by files.
 *   FAULTY_MODULE     path of the real module
 *   FAULTY_DIRECTORY  where the commands lie:
 *     C_SignInit          "0x30 3"      answers 0x30 the next three times, and does not ask the real module; "0x30 -1" always
 *     C_SignInit          "0x30 1 2"    the same, but lets the first two calls pass
 *     C_SignInit.delay    "500"         milliseconds before each call
 *     C_SignInit.hang     "3 5000"      the third call from now on lasts so many milliseconds, in whatever process, and no other
 *     hung                (written)     "PID TID" of that call, once it has begun
 *     attribute-0x163     "01"          what the token says of this attribute, in hex
 *     attribute-0x11      "answer 0x30" what it answers when it is asked for it
 *     label               hex           the 32 bytes of the label of each token
 *     flags               "0x20000"     set in the flags of each token, beside its own
 *     signature           (if it is there) the last bit of each signature is turned
 *     once                "sign 3"      the third answer of this kind is wrong, and none before or after it:
 *                                       sign: the last bit of the signature · 0x102: the last bit of this attribute ·
 *                                       "0x102 3 6a…": this value in its place · empty, short: a list without one of its
 *                                       objects, or the last one · more: a list with an object of the label "stranger"
 *     calls               (if it is there) gets a line for each call, and each answer that "once" can make wrong: name, PID,
 *                         milliseconds since the epoch
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11.h"

static CK_FUNCTION_LIST faulty;
static CK_FUNCTION_LIST *real;

static void path_of(char *path, size_t size, const char *name, const char *suffix) {
  const char *directory = getenv("FAULTY_DIRECTORY");
  snprintf(path, size, "%s/%s%s", directory ? directory : ".", name, suffix);
}

static int command_of(char *text, int size, const char *name, const char *suffix) {
  char path[4096];
  path_of(path, sizeof path, name, suffix);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  int found = fgets(text, size, file) != NULL;
  fclose(file);
  return found;
}

static void note(const char *name) {
  char path[4096];
  path_of(path, sizeof path, "calls", "");
  int calls = open(path, O_WRONLY | O_APPEND);
  if (calls < 0) return;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  dprintf(calls, "%s %d %ld\n", name, getpid(), now.tv_sec * 1000 + now.tv_nsec / 1000000);
  close(calls);
}

/* Whether this answer is the one that is to be wrong, of whatever process. `value` gets what is written in its place. */
static int is_wrong(const char *kind, char *value, int size) {
  char path[4096], text[2048], wanted[32], hex[1024] = "";
  long left = 0;
  note(kind);
  path_of(path, sizeof path, "once", "");
  FILE *file = fopen(path, "r+");
  if (!file) return 0;
  flock(fileno(file), LOCK_EX);
  int found = fgets(text, sizeof text, file) && sscanf(text, "%31s %ld %1023s", wanted, &left, hex) >= 2;
  int counts = found && left > 0 && strcmp(wanted, kind) == 0;
  if (counts) {
    rewind(file);
    fprintf(file, "%s %ld %s\n          ", wanted, left - 1, hex);
  }
  fclose(file);
  if (value) snprintf(value, size, "%s", hex);
  return counts && left == 1;
}

/* A call that is to hang is counted down to under a lock, as several processes call. Milliseconds for this one. */
static long hang_of(const char *name) {
  char path[4096], text[64] = "";
  long calls = 0, ms = 0;
  path_of(path, sizeof path, name, ".hang");
  int file = open(path, O_RDWR);
  if (file < 0) return 0;
  flock(file, LOCK_EX);
  if (read(file, text, sizeof text - 1) > 0) sscanf(text, "%ld %ld", &calls, &ms);
  int is_now = calls == 1;
  if (ftruncate(file, 0) == 0 && calls > 0) {
    lseek(file, 0, SEEK_SET);
    dprintf(file, "%ld %ld\n", calls - 1, ms);
  }
  close(file);
  if (!is_now) return 0;
  path_of(path, sizeof path, "hung", "");
  FILE *hung = fopen(path, "w");
  if (hung) {
    fprintf(hung, "%d %d\n", getpid(), gettid());
    fclose(hung);
  }
  return ms;
}

/* Whether this call is to be answered here: CKR_OK where it is not. */
static CK_RV command(const char *name) {
  char path[4096], text[256];
  /* Read before the call is noted: a test that sees the note may take the command back. */
  long ms = command_of(text, sizeof text, name, ".delay") ? atol(text) : 0;
  note(name);
  ms += hang_of(name);
  /* A signal, as of a child that has ended, does not end the pause. */
  struct timespec pause = {ms / 1000, (ms % 1000) * 1000000};
  while (ms > 0 && nanosleep(&pause, &pause) != 0) continue;
  if (!command_of(text, sizeof text, name, "")) return CKR_OK;
  unsigned long answer = 0;
  long times = 0, passes = 0;
  if (sscanf(text, "%li %ld %ld", (long *)&answer, &times, &passes) < 2 || times == 0) return CKR_OK;
  path_of(path, sizeof path, name, "");
  if (passes > 0 || times > 0) {
    FILE *file = fopen(path, "w");
    if (file) {
      fprintf(file, "0x%lx %ld %ld\n", answer, passes > 0 ? times : times - 1, passes > 0 ? passes - 1 : 0);
      fclose(file);
    }
  }
  return passes > 0 ? CKR_OK : answer;
}

#define PASS(name, ...)                   \
  do {                                    \
    CK_RV answer = command(#name);        \
    if (answer != CKR_OK) return answer;  \
    return real->name(__VA_ARGS__);       \
  } while (0)

static CK_RV sham_Initialize(CK_VOID_PTR p) { PASS(C_Initialize, p); }
static CK_RV sham_Finalize(CK_VOID_PTR p) { PASS(C_Finalize, p); }
static CK_RV sham_GetInfo(CK_INFO_PTR info) { PASS(C_GetInfo, info); }
static CK_RV sham_GetSlotList(CK_BBOOL present, CK_SLOT_ID_PTR slots, CK_ULONG_PTR n) {
  PASS(C_GetSlotList, present, slots, n);
}
static CK_RV sham_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO_PTR info) { PASS(C_GetSlotInfo, slot, info); }
static CK_RV sham_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR m, CK_ULONG_PTR n) {
  PASS(C_GetMechanismList, slot, m, n);
}
static CK_RV sham_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE m, CK_MECHANISM_INFO_PTR info) {
  PASS(C_GetMechanismInfo, slot, m, info);
}
static CK_RV sham_CloseAllSessions(CK_SLOT_ID slot) { PASS(C_CloseAllSessions, slot); }
static CK_RV sham_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR p, CK_NOTIFY n, CK_SESSION_HANDLE_PTR h) {
  PASS(C_OpenSession, slot, flags, p, n, h);
}
static CK_RV sham_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO_PTR info) { PASS(C_GetSessionInfo, h, info); }
static CK_RV sham_CloseSession(CK_SESSION_HANDLE h) { PASS(C_CloseSession, h); }
static CK_RV sham_Login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG length) {
  PASS(C_Login, h, user, pin, length);
}
/* The search of this thread: the class that it wants, and whether it has been answered. */
static __thread CK_OBJECT_CLASS sought;
static __thread int is_first;
static CK_RV sham_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR t, CK_ULONG n) {
  sought = (CK_OBJECT_CLASS)-1;
  is_first = 1;
  for (CK_ULONG at = 0; at < n; at += 1)
    if (t[at].type == CKA_CLASS && t[at].pValue) sought = *(CK_OBJECT_CLASS *)t[at].pValue;
  PASS(C_FindObjectsInit, h, t, n);
}
static CK_OBJECT_HANDLE stranger(CK_SESSION_HANDLE beside) {
  CK_SESSION_INFO info;
  CK_SESSION_HANDLE h;
  CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
  CK_ULONG count = 0;
  CK_ATTRIBUTE wanted[] = {{CKA_LABEL, "stranger", 8}, {CKA_CLASS, &sought, sizeof sought}};
  if (real->C_GetSessionInfo(beside, &info) != CKR_OK) return found;
  if (real->C_OpenSession(info.slotID, CKF_SERIAL_SESSION, NULL, NULL, &h) != CKR_OK) return found;
  if (real->C_FindObjectsInit(h, wanted, sought == (CK_OBJECT_CLASS)-1 ? 1 : 2) == CKR_OK) {
    real->C_FindObjects(h, &found, 1, &count);
    real->C_FindObjectsFinal(h);
  }
  real->C_CloseSession(h);
  return count == 1 ? found : CK_INVALID_HANDLE;
}
static CK_RV sham_FindObjects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE_PTR o, CK_ULONG most, CK_ULONG_PTR n) {
  CK_RV answer = command("C_FindObjects");
  if (answer != CKR_OK) return answer;
  answer = real->C_FindObjects(h, o, most, n);
  if (answer != CKR_OK) return answer;
  if (*n > 0 && is_wrong("empty", NULL, 0)) *n = 0;
  if (*n > 1 && is_wrong("short", NULL, 0)) *n -= 1;
  if (is_first && *n < most && is_wrong("more", NULL, 0)) {
    o[*n] = stranger(h);
    *n += o[*n] != CK_INVALID_HANDLE;
  }
  is_first = 0;
  return answer;
}
static CK_RV sham_FindObjectsFinal(CK_SESSION_HANDLE h) { PASS(C_FindObjectsFinal, h); }
static CK_RV sham_CreateObject(CK_SESSION_HANDLE h, CK_ATTRIBUTE_PTR t, CK_ULONG n, CK_OBJECT_HANDLE_PTR o) {
  PASS(C_CreateObject, h, t, n, o);
}
static CK_RV sham_DestroyObject(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o) { PASS(C_DestroyObject, h, o); }
static CK_RV sham_GenerateKeyPair(CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub, CK_ULONG npub,
                                  CK_ATTRIBUTE_PTR priv, CK_ULONG npriv, CK_OBJECT_HANDLE_PTR hpub,
                                  CK_OBJECT_HANDLE_PTR hpriv) {
  PASS(C_GenerateKeyPair, h, m, pub, npub, priv, npriv, hpub, hpriv);
}
static CK_RV sham_SignInit(CK_SESSION_HANDLE h, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE k) { PASS(C_SignInit, h, m, k); }
static CK_RV sham_Sign(CK_SESSION_HANDLE h, CK_BYTE_PTR in, CK_ULONG nin, CK_BYTE_PTR out, CK_ULONG_PTR nout) {
  CK_RV answer = command("C_Sign");
  if (answer != CKR_OK) return answer;
  answer = real->C_Sign(h, in, nin, out, nout);
  char text[8];
  if (answer == CKR_OK && out && command_of(text, sizeof text, "signature", "")) out[*nout - 1] ^= 1;
  if (answer == CKR_OK && out && is_wrong("sign", NULL, 0)) out[*nout - 1] ^= 1;
  return answer;
}

static void put_hex(const char *hex, unsigned char *out, CK_ULONG length) {
  for (CK_ULONG at = 0; at < length; at += 1) {
    unsigned int byte = 0;
    sscanf(hex + 2 * at, "%2x", &byte);
    out[at] = (unsigned char)byte;
  }
}

static CK_RV sham_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info) {
  CK_RV answer = command("C_GetTokenInfo");
  if (answer != CKR_OK) return answer;
  answer = real->C_GetTokenInfo(slot, info);
  char hex[256];
  if (answer == CKR_OK && command_of(hex, sizeof hex, "label", "")) put_hex(hex, info->label, sizeof info->label);
  if (answer == CKR_OK && command_of(hex, sizeof hex, "flags", "")) info->flags |= strtoul(hex, NULL, 0);
  return answer;
}

static CK_RV sham_GetAttributeValue(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR t, CK_ULONG n) {
  CK_RV answer = command("C_GetAttributeValue");
  if (answer != CKR_OK) return answer;
  answer = real->C_GetAttributeValue(h, o, t, n);
  for (CK_ULONG at = 0; at < n; at += 1) {
    char name[64], text[4096];
    snprintf(name, sizeof name, "0x%lx", t[at].type);
    unsigned char *value = t[at].pValue;
    /* Asked without room for it, it tells its length alone. */
    if (answer == CKR_OK && value && t[at].ulValueLen != CK_UNAVAILABLE_INFORMATION && t[at].ulValueLen > 0 &&
        is_wrong(name, text, sizeof text)) {
      if (*text) put_hex(text, value, t[at].ulValueLen);
      else value[t[at].ulValueLen - 1] ^= 1;
    }
    snprintf(name, sizeof name, "attribute-0x%lx", t[at].type);
    if (!command_of(text, sizeof text, name, "")) continue;
    if (strncmp(text, "answer ", 7) == 0) return strtoul(text + 7, NULL, 0);
    CK_ULONG length = strcspn(text, "\n") / 2;
    if (t[at].pValue) put_hex(text, t[at].pValue, length);
    t[at].ulValueLen = length;
    answer = CKR_OK;
  }
  return answer;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list) {
  if (!real) {
    const char *path = getenv("FAULTY_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetFunctionList ask = module ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
    if (!ask || ask(&real) != CKR_OK) return CKR_GENERAL_ERROR;
    faulty = *real;
    faulty.C_GetFunctionList = C_GetFunctionList;
    faulty.C_Initialize = sham_Initialize;
    faulty.C_Finalize = sham_Finalize;
    faulty.C_GetInfo = sham_GetInfo;
    faulty.C_GetSlotList = sham_GetSlotList;
    faulty.C_GetSlotInfo = sham_GetSlotInfo;
    faulty.C_GetMechanismList = sham_GetMechanismList;
    faulty.C_GetMechanismInfo = sham_GetMechanismInfo;
    faulty.C_CloseAllSessions = sham_CloseAllSessions;
    faulty.C_GetTokenInfo = sham_GetTokenInfo;
    faulty.C_OpenSession = sham_OpenSession;
    faulty.C_GetSessionInfo = sham_GetSessionInfo;
    faulty.C_CloseSession = sham_CloseSession;
    faulty.C_Login = sham_Login;
    faulty.C_FindObjectsInit = sham_FindObjectsInit;
    faulty.C_FindObjects = sham_FindObjects;
    faulty.C_FindObjectsFinal = sham_FindObjectsFinal;
    faulty.C_GetAttributeValue = sham_GetAttributeValue;
    faulty.C_CreateObject = sham_CreateObject;
    faulty.C_DestroyObject = sham_DestroyObject;
    faulty.C_GenerateKeyPair = sham_GenerateKeyPair;
    faulty.C_SignInit = sham_SignInit;
    faulty.C_Sign = sham_Sign;
  }
  *list = &faulty;
  return CKR_OK;
}
