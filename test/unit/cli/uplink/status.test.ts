import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Screen } from '../../../../agent/cli/kit/screen.ts';
import { run } from '../../../../agent/cli/status/command.ts';
import { renderStatus } from '../../../../agent/cli/status/screen.ts';
import { failure } from '../../../../agent/failure/failure.ts';
import { args, stage, statusWith } from '../stage.ts';
import { gateway, idle, programWith } from './gateway.ts';

const unicode: Screen = { width: 80, isColoured: false, isUnicode: true };
const place = { directory: '/var/lib/newleaf' };

describe('programs of the gateway', () => {
  test('stand below the hub, a line each, and what is wrong at the end', () => {
    const trouble = failure('NL-UPLINK-SOCKET', { message: 'No socket.', advice: 'Add it again.' });
    const programs = [idle(), programWith({ name: 'plc', trouble })];
    const text = renderStatus({ ...statusWith(), uplink: { programs, rate: 20, isThrottled: false } }, unicode, place);
    assert.ok(
      text.includes(`  Device ID    gw-0001

  Programs     sensors: no message waits for the hub
               plc: 12 messages wait for the hub (3.4 KiB), the oldest for 5 min
               (NL-UPLINK-SOCKET)
`),
      text,
    );
    assert.ok(text.endsWith('What to do\n  NL-UPLINK-SOCKET No socket.\n  → Add it again.\n'), text);
  });

  test('without any, nothing is said', () => {
    const text = renderStatus(statusWith(), unicode, place);
    assert.equal(renderStatus({ ...statusWith(), uplink: { programs: [] } }, unicode, place), text);
    assert.doesNotMatch(text, /Programs/);
  });
});

test('status --json has the programs, where there are any', async (t) => {
  for (const uplink of [undefined, { programs: [idle()], rate: 20, isThrottled: false }]) {
    const body = { ...statusWith(), ...(uplink && { uplink }) };
    const { config } = await gateway(t, [], {}, { answer: async () => ({ status: 200, body }) });
    const io = stage();
    assert.equal(await run(args('status', '--json', '--config', config), io), 0);
    assert.deepEqual(JSON.parse(io.out.text).uplink, uplink);
  }
});
