import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noteDirectory, secretDirectory } from '../../../agent/machine/runtime-directory.ts';

const unit = { RUNTIME_DIRECTORY: '/run/newleaf', INVOCATION_ID: 'f00d' };
const image = { RUNTIME_DIRECTORY: '/run/newleaf' };

describe('the note of a start lies where it outlives the daemon', () => {
  for (const [name, env, directory] of [
    ['a unit: its own directory, in memory', unit, '/run/newleaf'],
    ['a unit with several', { ...unit, RUNTIME_DIRECTORY: '/run/newleaf:/run/other' }, '/run/newleaf'],
    ['a container: its first process paces the starts', image, undefined],
    ['a shell: no note', {}, undefined],
    ['a shell of systemd: no note', { INVOCATION_ID: 'f00d' }, undefined],
  ] as const) {
    test(name, () => assert.equal(noteDirectory(env), directory));
  }
});

describe('a secret has its name in memory', () => {
  for (const [name, RUNTIME_DIRECTORY, directory] of [
    ['the directory of a unit', '/dev/shm', '/dev/shm'],
    ['a volume in its place is a disk', import.meta.dirname, '/dev/shm'],
    ['it is gone', '/nowhere', '/dev/shm'],
    ['there is none', undefined, '/dev/shm'],
  ] as const) {
    test(name, () => assert.equal(secretDirectory({ RUNTIME_DIRECTORY }), directory));
  }
});
