import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withSudo } from '../../../../agent/cli/init/with-sudo.ts';

describe('commands on the screen of init, for a reader who is not root', () => {
  const rows: readonly (readonly [text: string, told: string])[] = [
    ['    newleaf status', '    sudo newleaf status'],
    ['Run `newleaf init` again. `newleaf init --ask`.', 'Run `sudo newleaf init` again. `sudo newleaf init --ask`.'],
    ['then `systemctl restart newleaf`', 'then `sudo systemctl restart newleaf`'],
    ['newleaf --instance two status', 'sudo newleaf --instance two status'],
    ['See: newleaf init --help', 'See: newleaf init --help'],
    ['newleaf cannot ask here', 'newleaf cannot ask here'],
    ['newleaf help NL-EST-AUTH', 'newleaf help NL-EST-AUTH'],
    ['/etc/newleaf status', '/etc/newleaf status'],
    ['run sudo\n  newleaf init again', 'run sudo\n  newleaf init again'],
  ];
  for (const [text, told] of rows) {
    test(text, () => {
      assert.equal(withSudo(text), told);
      assert.equal(withSudo(told), told);
    });
  }
});
