import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contained } from '../../agent/machine/contained.ts';
import { rewritten } from '../../agent/machine/printed.ts';
import { commandsIn, looks } from './arrows/commands.ts';
import { IN_CONTAINER } from './arrows/container.ts';
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

const isThere = ([file, title]: readonly [file: string, title: string]): boolean => {
  const path = join(ROOT, file);
  return existsSync(path) && readFileSync(path, 'utf8').includes(title);
};

test('every row names a test that is there', () => {
  for (const row of ARROWS) assert.ok(isThere(row.test), `${row.situation}: ${row.test.join(' › ')}`);
  for (const row of IN_CONTAINER) assert.ok(isThere(row.test), `${row.command}: ${row.test.join(' › ')}`);
});

test('every command of the engine that a container prints has a row, and every row is printed', () => {
  const inside = printed.flatMap(({ command }) => commandsIn(rewritten(`\`${command}\``, contained)));
  const ofEngine = [...new Set(inside.filter((command) => command.startsWith('docker ')))];
  const rowOf = (command: string) => IN_CONTAINER.find((row) => `${command} `.startsWith(row.command));
  assert.deepEqual(
    ofEngine.filter((command) => rowOf(command) === undefined),
    [],
  );
  assert.deepEqual(
    IN_CONTAINER.filter((row) => !ofEngine.some((command) => rowOf(command) === row)),
    [],
  );
});
