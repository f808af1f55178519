import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownUnit, unitShownIn } from '../../../../agent/cli/proof/unit-shown.ts';

test('what `systemctl show` prints', () => {
  const shown = unitShownIn(
    'InvocationId=8b\nId=newleaf@plant.service\nActiveState=active\nLoadState=loaded\nWatchdogUSec=3min\nNRestarts=0\nOther=x=y\nResult=success\n',
  );
  assert.deepEqual(shown, {
    Id: 'newleaf@plant.service',
    LoadState: 'loaded',
    ActiveState: 'active',
    UnitFileState: '',
    WatchdogUSec: '3min',
    NRestarts: '0',
    Result: 'success',
    ExecMainStatus: '',
    ExecMainExitTimestamp: '',
    ExecCondition: '',
  });
});

test('a machine that systemd does not run has no unit', async () => {
  assert.equal(await shownUnit('newleaf', '/nowhere'), undefined);
});
