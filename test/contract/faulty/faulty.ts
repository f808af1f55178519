import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import pkcs11js from 'pkcs11js';
import type { TestToken } from '../token/softhsm.ts';

/** A function of PKCS#11 that module.c can answer in place of the real module. */
export type Call =
  | 'C_CloseAllSessions'
  | 'C_CloseSession'
  | 'C_CreateObject'
  | 'C_DestroyObject'
  | 'C_Finalize'
  | 'C_FindObjects'
  | 'C_FindObjectsFinal'
  | 'C_FindObjectsInit'
  | 'C_GenerateKeyPair'
  | 'C_GetAttributeValue'
  | 'C_GetInfo'
  | 'C_GetMechanismInfo'
  | 'C_GetMechanismList'
  | 'C_GetSessionInfo'
  | 'C_GetSlotInfo'
  | 'C_GetSlotList'
  | 'C_GetTokenInfo'
  | 'C_Initialize'
  | 'C_Login'
  | 'C_OpenSession'
  | 'C_Sign'
  | 'C_SignInit';

export interface Called {
  readonly call: Call;
  readonly pid: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A module around another one that does as the test commands, also to processes that are at work already. */
export interface FaultyModule {
  /** Its path. */
  readonly module: string;
  /** Where the commands lie: $FAULTY_DIRECTORY. */
  readonly commands: string;
  /** The next calls get this answer, and do not reach the real module. @param times -1 is for ever */
  answer(call: Call, rv: number, times?: number, passFirst?: number): void;
  /** Each call takes so long, from now on. */
  delay(call: Call, ms: number): void;
  /** The n-th call from now on lasts so long, in whatever process, and no other. */
  hang(call: Call, n: number, ms: number): void;
  /** That call, once it has begun. */
  hung(): { readonly pid: number; readonly isMainThread: boolean } | undefined;
  /** What the token says of this attribute of each object. */
  say(attribute: number, value: Buffer | boolean): void;
  /** What the token answers when it is asked for this attribute of any object. */
  refuse(attribute: number, rv: number): void;
  /** The label of each token. @param bytes at most 32 */
  label(bytes: Buffer): void;
  /** These flags (CKF_…) of each token are set, beside its own. */
  flag(flags: number): void;
  /** Each signature is wrong. */
  spoil(): void;
  /** The answer number `at` of this kind is wrong, and none before or after it (module.c). @param value in its place; a bit is turned else */
  once(kind: string, at: number, value?: Buffer): void;
  /** How often this function has been called since, by whatever process. */
  calls(call: Call): number;
  /** How often each answer was given since that `once` can make wrong. */
  answers(): ReadonlyMap<string, number>;
  /** All calls since. */
  called(): readonly Called[];
  /** Takes all commands back. */
  heal(): void;
}

export type FaultyToken = TestToken & FaultyModule;

const HEADERS = join(dirname(createRequire(import.meta.url).resolve('pkcs11js')), 'includes/pkcs11');

/** Puts module.c around the module of a token. @param where for what it compiles, and for the commands */
export function faulty(at: TestToken, where = at.directory): FaultyToken {
  const made = faultyModule(where);
  const environment = { ...at.environment, FAULTY_MODULE: at.module, FAULTY_DIRECTORY: made.commands };
  return { ...at, ...made, environment };
}

/** Compiles module.c. @param where for the module, and for the commands */
export function faultyModule(where: string): FaultyModule {
  const commands = join(where, 'faulty');
  const module = join(where, 'faulty.so');
  const file = (name: string) => join(commands, name);
  const heal = () => {
    rmSync(commands, { recursive: true, force: true });
    mkdirSync(commands, { recursive: true });
    writeFileSync(file('calls'), '');
  };
  heal();
  const source = join(import.meta.dirname, 'module.c');
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-I', HEADERS, '-o', module, source]);
  // At once and whole, as a daemon may look at this very moment.
  const write = (name: string, text: string) => {
    writeFileSync(file('draft'), text);
    renameSync(file('draft'), file(name));
  };
  const noted = () => {
    const lines = readFileSync(file('calls'), 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => {
      const [name = '', pid, at] = line.split(' ');
      return { name, pid: Number(pid), at: Number(at) };
    });
  };
  const called = () =>
    noted().flatMap(({ name, ...one }): Called[] => (name.startsWith('C_') ? [{ call: name as Call, ...one }] : []));
  const attribute = (type: number) => `attribute-0x${type.toString(16)}`;
  return {
    module,
    commands,
    answer: (call, rv, times = 1, passFirst = 0) => write(call, `0x${rv.toString(16)} ${times} ${passFirst}\n`),
    delay: (call, ms) => write(`${call}.delay`, `${ms}\n`),
    hang: (call, n, ms) => write(`${call}.hang`, `${n} ${ms}\n`),
    hung() {
      if (!existsSync(file('hung'))) return undefined;
      const [pid = 0, thread = 0] = readFileSync(file('hung'), 'utf8').split(' ').map(Number);
      return pid === 0 ? undefined : { pid, isMainThread: pid === thread };
    },
    say(type, value) {
      const bytes = typeof value === 'boolean' ? Buffer.of(Number(value)) : value;
      write(attribute(type), bytes.toString('hex'));
    },
    refuse: (type, rv) => write(attribute(type), `answer 0x${rv.toString(16)}\n`),
    label: (bytes) => write('label', Buffer.concat([bytes, Buffer.alloc(32, ' ')]).toString('hex', 0, 32)),
    flag: (flags) => write('flags', `${flags}\n`),
    spoil: () => write('signature', 'wrong\n'),
    once: (kind, at, value) => write('once', `${kind} ${at} ${value?.toString('hex') ?? ''}\n`),
    calls: (name) => called().filter(({ call }) => call === name).length,
    called,
    answers() {
      const kinds = noted().flatMap(({ name }) => (name.startsWith('C_') ? [] : [name]));
      return new Map([...new Set(kinds)].map((kind) => [kind, kinds.filter((one) => one === kind).length]));
    },
    heal,
  };
}

/** The number of a CKR_ name. */
export const rv = (name: keyof typeof pkcs11js & `CKR_${string}`): number => Number(pkcs11js[name]);
