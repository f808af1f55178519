import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { supportBundle } from '../../../../agent/cli/bundle/command.ts';
import { args, stage } from '../stage.ts';

const line = args('support-bundle', '-o', '-', '--config', '/nowhere/newleaf.toml');

test('-o - writes the archive to stdout, and says on stderr what is in it', async () => {
  const stdout = new PassThrough();
  const io = stage();
  const taken = buffer(stdout);
  assert.equal(await supportBundle(['true'], stdout)(line, io), 0);
  stdout.end();
  assert.match(gunzipSync(await taken).toString('latin1'), /contents\.txt/);
  assert.equal(io.out.text, '');
  assert.match(io.err.text, /^newleaf-support-unknown-\S+\.tar\.gz\n[\s\S]*log\.txt/);
});

test('-o - on a terminal is a slip: nothing is collected', async () => {
  const io = stage();
  const stdout = Object.assign(new PassThrough(), { isTTY: true });
  assert.equal(await supportBundle(['true'], stdout)(line, io), 2);
  assert.match(io.err.text, /which is the terminal/);
});
