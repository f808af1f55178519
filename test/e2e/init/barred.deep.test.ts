import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { insideNetworkNamespace } from '../../namespace.ts';
import { environment } from './machine.ts';
import { Person } from './person.ts';
import { Stage } from './stage.ts';

/** What nodejs 20.19.2 of Debian does (shared libuv 1.50, CVE-2024-22017), for the Node that is here. */
const BARRED = `for (const name of ['initgroups', 'setgroups', 'setgid', 'setegid', 'setuid', 'seteuid'])
  process[name] = () => {
    throw Object.assign(new Error(name + '() disabled: io_uring may be enabled. See CVE-2024-22017.'), {
      code: 'ERR_INVALID_STATE',
    });
  };
`;

/** What systemd says of the unit: it adds a group to those of its user. */
const SYSTEMCTL = `#!/bin/sh
printf 'LoadState=loaded\\nEnvironment=FROM_UNIT=1\\nSupplementaryGroups=tss\\n'
`;

const LIBRARY = '/usr/lib/newleaf';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('where Node lets no process become another user, commands of root go on in one that setpriv(1) starts', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
      const { machine } = stage;
      machine.write(`${LIBRARY}/barred.cjs`, BARRED);
      const call = `#!/bin/sh\nexec ${LIBRARY}/node --require ${LIBRARY}/barred.cjs ${LIBRARY}/dist/newleaf.js "$@"\n`;
      machine.write('/usr/bin/newleaf', call, 0o755);
      machine.write('/usr/bin/systemctl', SYSTEMCTL, 0o755);
      machine.sh('getent group tss >/dev/null || groupadd --system tss');
    });
    after(() => stage.close());

    test('init: one Ctrl-C is one, and the next run goes on from there', async (t) => {
      await stage.far.lay('est', 'est-hang');
      const person = stage.person(t, '--yes', ...stage.flags, '--new-token', 'softhsm');
      await person.sees('waiting for the issuer');
      person.interrupts();
      await person.sees('Interrupted. Nothing is lost.');
      await person.ends(1);
      await stage.far.lift('est');
      const { code, out, err } = await stage.machine.newleaf(['init']);
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(stage.rootsOwn(), '');
      assert.equal(stage.machine.sh('stat -c "%U %a" /etc/newleaf/pin'), 'root 600\n');
    });

    test('check: sees with the eyes of the daemon, with what root has read', async () => {
      const { machine } = stage;
      const check = async () => (await machine.newleaf(['check', 'pin', 'permissions'])).out;
      assert.match(await check(), /^ok +pin +Token "newleaf" accepts the PIN\.$/m);
      machine.sh('chmod 600 /etc/newleaf/newleaf.toml');
      const closed = await check();
      machine.sh('chmod 644 /etc/newleaf/newleaf.toml; mv /etc/newleaf/pin /etc/newleaf/kept; touch /etc/newleaf/pin');
      assert.match(closed, /^ok +pin /m);
      assert.match(
        closed,
        /^failed +permissions +NL-CONFIG The user newleaf may not read \/etc\/newleaf\/newleaf\.toml/m,
      );
      const empty = await machine.newleaf(['check', 'pin']);
      machine.sh('mv /etc/newleaf/kept /etc/newleaf/pin');
      assert.match(empty.out, /^failed +pin +NL-TOKEN-PIN-FILE .*\/etc\/newleaf\/pin is empty\.$/m);
    });

    /** Root calls `newleaf run`. @returns the process of root, and what tells of the one in which it goes on */
    const run = async () => {
      const { machine, far } = stage;
      const seen = far.log.entries.length;
      const [file = '', ...args] = machine.argv(['newleaf', 'run']);
      const command = spawn(file, args, { env: environment(), stdio: 'ignore' });
      await far.log.waitFor({ event: 'connected' }, 20_000, seen);
      const [pid] = ours(`--full 'internal-go-on run$'`);
      return { ended: once(command, 'exit'), kill: (signal: NodeJS.Signals) => command.kill(signal), pid };
    };

    /** The processes of the daemon's user here: other tests have such a user, too, in network namespaces of their own. */
    const ours = (filter = ''): readonly string[] =>
      stage.machine
        .sh(`for pid in $(pgrep --euid newleaf ${filter}); do
          [ "$(readlink /proc/$pid/ns/net)" != "$(readlink /proc/self/ns/net)" ] || echo $pid
        done`)
        .split('\n')
        .filter(Boolean);

    /** A process that works for another ends by itself when that has gone, but may take its time on a busy machine. */
    const noneIsLeft = async () => {
      const deadline = Date.now() + 10_000;
      while (ours().length > 0 && Date.now() < deadline) await setTimeout(100);
      assert.deepEqual(ours(), []);
    };

    test('run: who it is, and what it knows', async () => {
      const { machine } = stage;
      const { ended, kill, pid } = await run();
      const id = (of: string) => machine.sh(of).trim();
      const status = machine.sh(`cat /proc/${pid}/status`);
      const [uid, gid] = [id('id -u newleaf'), id('id -g newleaf')];
      assert.match(status, new RegExp(`^Uid:(\\t${uid}){4}$`, 'm'));
      assert.match(status, new RegExp(`^Gid:(\\t${gid}){4}$`, 'm'));
      const groups = /^Groups:\t(.*) $/m.exec(status)?.[1]?.split(' ').sort();
      assert.deepEqual(groups, `${id('id -G newleaf')} ${id('getent group tss | cut -d: -f3')}`.split(' ').sort());
      assert.match(status, /^CapEff:\t0+$/m);
      const pin = id('cat /etc/newleaf/pin');
      assert.equal(id(`cat /proc/${pid}/cmdline /proc/${pid}/environ | grep -c '${pin}' || true`), '0');
      kill('SIGTERM');
      assert.deepEqual(await ended, [0, null], 'SIGTERM ends it as it ends the daemon');
      await noneIsLeft();
    });

    test('run: what kills one kills both', async () => {
      const { ended, kill } = await run();
      kill('SIGKILL');
      assert.deepEqual(await ended, [null, 'SIGKILL']);
      await noneIsLeft();
    });

    test('decommission: asks on the terminal, and ends with its exit code', async (t) => {
      const variables = { ...environment(), TERM: 'xterm', LANG: 'C.UTF-8' };
      const person = () => new Person(t, stage.machine.argv(['newleaf', 'decommission']), variables);
      const slip = person();
      await slip.answers('Type gw-0001 to go on: ', 'gw-0002');
      await slip.ends(1);
      const sure = person();
      await sure.answers('Type gw-0001 to go on: ', 'gw-0001');
      await sure.ends(0);
      assert.equal(
        stage.machine.sh('find /var/lib/newleaf -mindepth 1 -not -path "*/.cache*"'),
        '/var/lib/newleaf/state.json\n',
      );
    });

    test('without setpriv(1) it says what is missing', async () => {
      const { machine } = stage;
      machine.sh('mv /usr/bin/setpriv /usr/bin/away');
      const { code, err } = await machine.newleaf(['check']);
      machine.sh('mv /usr/bin/away /usr/bin/setpriv');
      assert.equal(code, 1);
      assert.match(
        err,
        /^NL-INTERNAL This process is root, and cannot become the user newleaf\. \(spawn\s+setpriv ENOENT\)\n-> [\s\S]*`apt-get install util-linux`\.\n$/,
      );
    });
  });
}
