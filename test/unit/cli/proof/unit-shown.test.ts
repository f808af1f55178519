import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUnit, unitShownIn } from '../../../../agent/cli/proof/unit-shown.ts';

test('what `systemctl show` prints', () => {
  const shown = unitShownIn(
    'ActiveState=active\nLoadState=loaded\nWatchdogUSec=3min\nNRestarts=0\nOther=x=y\nResult=success\n',
  );
  assert.deepEqual(shown, {
    LoadState: 'loaded',
    ActiveState: 'active',
    UnitFileState: '',
    WatchdogUSec: '3min',
    NRestarts: '0',
    Result: 'success',
    ExecMainStatus: '',
  });
});

test('a machine that systemd does not run has no unit', async () => {
  assert.equal(await shownUnit('newleaf', '/nowhere'), undefined);
});
