import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { NODE_PARTS } from '../../scripts/sbom/node.ts';
import { build, NATIVE, onDisk } from './installed.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly 'bom-ref': string;
}

/** Names of the components in a bill whose licence text is in none of these two texts. */
function withoutText(bill: string, notices: string, ofNode: string): readonly string[] {
  const { components }: { readonly components: readonly Component[] } = JSON.parse(bill);
  const texts = new Map(notices.split(/^== /m).map((notice) => [notice.split(' (')[0], notice]));
  const parts = new Map(Object.entries(NODE_PARTS).map(([name, part]) => [part.cpe?.split(':')[1] ?? name, part]));
  const has = ({ name, version, 'bom-ref': ref }: Component): boolean => {
    if (name === 'node') return ofNode.startsWith('Node.js is licensed for use as follows');
    // A notice says who has the copyright, and on which terms.
    if (!ref.endsWith('#node'))
      return /copyright.*(permission|redistribution|licen[cs]e)/is.test(texts.get(`${name} ${version}`) ?? '');
    const { heading } = parts.get(name) ?? {};
    return heading === undefined || ofNode.includes(`\n- ${heading}, located at `);
  };
  assert.ok(components.length > 30);
  return components.filter((one) => !has(one)).map(({ purl }) => purl);
}

/** A directory that goes with the test, and the texts in it. */
function place(t: TestContext): { readonly directory: string; readonly read: (path: string) => string } {
  const directory = onDisk('licences');
  t.after(() => rmSync(directory, { recursive: true }));
  return { directory, read: (path) => readFileSync(join(directory, path), 'utf8') };
}

suite('the licence text of each component is in', () => {
  test('the package', (t) => {
    const { directory, read } = place(t);
    execFileSync('dpkg-deb', ['--extract', build('deb', NATIVE), directory]);
    const [bill, notices, ofNode] = ['newleaf.cdx.json', 'copyright.packages', 'copyright.node'].map((name) =>
      read(join('usr', 'share', 'doc', 'newleaf', name)),
    ) as [string, string, string];
    assert.deepEqual(withoutText(bill, notices, ofNode), []);
    assert.match(notices, /^== pkcs11js [^=]*Copyright \(c\) OASIS Open/m, 'compiled into the native part');

    // One that is gone is found.
    assert.deepEqual(
      withoutText(bill, notices.replace(/^== pino [^=]*/m, ''), ofNode.replace('\n- libuv, located at ', '')).map(
        (purl) => purl.replace(/@.*/, ''),
      ),
      ['pkg:generic/libuv', 'pkg:npm/pino'],
    );
  });

  test('the tarball', (t) => {
    const { directory, read } = place(t);
    execFileSync('tar', ['-xzf', build('tar', NATIVE), '-C', directory, '--strip-components=1']);
    assert.deepEqual(withoutText(read('newleaf.cdx.json'), read('notices.txt'), read('LICENSE.node')), []);
  });

  test("the operator's package", (t) => {
    const { directory, read } = place(t);
    const file = execFileSync(join(ROOT, 'scripts', 'package'), ['operator'], { cwd: ROOT, encoding: 'utf8' }).trim();
    execFileSync('tar', ['-xzf', join(ROOT, file), '-C', directory, '--strip-components=1']);
    assert.deepEqual(withoutText(read('newleaf-enroll.cdx.json'), read('notices.txt'), ''), []);
  });
});
