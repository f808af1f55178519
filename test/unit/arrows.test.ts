import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { looks } from './arrows/commands.ts';
import { printedCommands } from './arrows/printed.ts';
import { ARROWS, FOR_A_PERSON, NO_ARROWS } from './arrows/rows.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const printed = printedCommands();
const name = ({ place, command }: { readonly place: string; readonly command: string }) => `${place}: ${command}`;
const said = new Set(printed.map(name));
const places = new Set(printed.map(({ place }) => place));

const listed = [
  ...ARROWS.flatMap(({ at, types }) => at.flatMap((place) => types.map((command) => name({ place, command })))),
  ...NO_ARROWS.map(([place, command]) => name({ place, command })),
];
const forPerson = new Set(FOR_A_PERSON.map(([command]) => command));

test('every command that a text of newleaf prints changes nothing, has a row, or is for a person', () => {
  const known = new Set(listed);
  const unknown = printed.filter((one) => !looks(one.command) && !forPerson.has(one.command) && !known.has(name(one)));
  assert.deepEqual(unknown.map(name), []);
});

test('every row is of a text that is still there', () => {
  for (const { situation, at, types } of ARROWS) {
    for (const place of at) {
      assert.ok(places.has(place), `${situation}: ${place}`);
      assert.ok(
        types.some((command) => said.has(name({ place, command }))),
        `${situation}: ${place} prints none of it`,
      );
    }
    for (const command of types)
      assert.ok(
        at.some((place) => said.has(name({ place, command }))),
        `${situation}: ${command} is not printed`,
      );
  }
  for (const [place, command] of NO_ARROWS) assert.ok(said.has(name({ place, command })), place);
  for (const command of forPerson)
    assert.ok(
      printed.some((one) => one.command === command),
      command,
    );
});

test('every row names a test that is there', () => {
  for (const {
    situation,
    test: [file, title],
  } of ARROWS) {
    const path = join(ROOT, file);
    assert.ok(existsSync(path) && readFileSync(path, 'utf8').includes(title), `${situation}: ${file} › ${title}`);
  }
});
