import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CODES } from '../../../agent/failure/failure.ts';
import { asRoot, contained, inImage, STARTING } from '../../../agent/machine/contained.ts';
import { rewritten } from '../../../agent/machine/printed.ts';

const inside = (text: string): string => rewritten(inImage(text), contained);

const OURS = '--volume newleaf:/var/lib/newleaf --volume /etc/newleaf:/etc/newleaf';
const MEMORY = '--tmpfs /run/newleaf:mode=1777 --tmpfs /tmp';

describe('in a container, a command is one that works there', () => {
  for (const [printed, there] of [
    ['systemctl restart newleaf', 'docker restart newleaf'],
    ['sudo systemctl stop newleaf', 'docker stop newleaf'],
    ['systemctl disable --now newleaf', 'docker stop newleaf'],
    ['systemctl status newleaf', 'newleaf status'],
    ['systemctl cat newleaf', 'docker logs newleaf'],
    ['journalctl -u newleaf -n 20', 'docker logs newleaf'],
    [
      'apt-get install stunnel4 pkcs11-provider',
      'docker build --file Dockerfile.arm64 --build-arg MODULE="stunnel4 pkcs11-provider" .',
    ],
    ['man newleaf', 'newleaf help'],
    ['pkcs11-tool --module MODULE -L', 'newleaf check'],
    [
      'chown newleaf: /etc/newleaf/est-password',
      'docker run --rm --user 0 --volume /etc/newleaf:/etc/newleaf --entrypoint chown newleaf newleaf: /etc/newleaf/est-password',
    ],
    // A container that rests after a fault runs, to its engine.
    ['systemctl start newleaf', 'docker restart newleaf'],
    ['sudo newleaf init --ask', `docker run --rm --interactive --tty ${MEMORY} ${OURS} newleaf init --ask`],
    ['newleaf decommission --yes', `docker run --rm ${MEMORY} ${OURS} newleaf decommission --yes`],
    [
      'newleaf init --pin-file - <FILE',
      `docker run --rm --interactive ${MEMORY} ${OURS} newleaf init --pin-file - <FILE`,
    ],
    ['newleaf support-bundle', 'docker exec newleaf newleaf support-bundle -o - >newleaf-support.tar.gz'],
    ['newleaf roll --wait', 'newleaf roll --wait'],
  ] as const) {
    test(printed, () => assert.equal(inside(`First \`${printed}\`, then wait.`), `First \`${there}\`, then wait.`));
  }

  test('no code names what is not there', () => {
    const told = Object.values(CODES).flatMap(({ means, advice, inCheck }) => [means, advice, inCheck?.advice ?? '']);
    const left = told.map(inside).filter((text) => /`(sudo|systemctl|journalctl|apt|man|docker inspect)\b/.test(text));
    assert.deepEqual(left, []);
    assert.deepEqual(
      told.map(inside).filter((text) => /dpkg|Use sudo/.test(text)),
      [],
    );
  });

  test('a mount that is read-only is named, and no owner is blamed', () => {
    const mounts = [
      '1 0 8:1 / / ro,relatime - overlay overlay rw',
      '2 1 8:1 /srv /etc/newleaf ro - ext4 /dev/sda1 rw',
      '3 1 8:1 /srv /etc/newleaf-2 rw - ext4 /dev/sda1 rw',
    ].join('\n');
    const inside = { NEWLEAF_CONTAINER: '1' };
    assert.match(asRoot('/etc/newleaf', inside, mounts), /^\/etc\/newleaf is mounted read-only: .* without `:ro`/);
    assert.match(asRoot('/etc/newleaf-2/x', inside, mounts), /^Give it to the user/);
    assert.match(asRoot('/etc/other', inside, mounts), /^It is to be a volume: --volume \/etc\/other:\/etc\/other$/);
    assert.match(asRoot('/etc/other', {}, mounts), /^\/ is mounted read-only: mount it for writing, and run it again$/);
  });

  test('the line that starts the daemon is that of the page', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../systemd/container.md'), 'utf8');
    assert.ok(page.replaceAll(/ \\\n\s*/g, ' ').includes(`\n${STARTING}\n`), STARTING);
  });

  test('root is the turn of the engine', () => {
    assert.equal(asRoot('/etc/newleaf', {}, ''), 'Run it as root: `newleaf init`');
    assert.match(
      asRoot('/etc/newleaf', { NEWLEAF_CONTAINER: '1' }, ''),
      /`docker run --rm --user 0 --volume \/etc\/newleaf:\/etc\/newleaf --entrypoint chown newleaf -R \d+:\d+ \/etc\/newleaf`$/,
    );
  });
});
