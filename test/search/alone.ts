import { parseArgs } from 'node:util';
import { AZURE_STAYS } from './azure/lasting.ts';
import { FAULTS } from './faults.ts';
import { last } from './lasting.ts';

/** Some of the faults that stay, in a process of its own: `alone.ts --days N --part K --of N [--azure]`. Prints each row as JSON. */
const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '2' },
    part: { type: 'string', default: '0' },
    of: { type: 'string', default: '1' },
    azure: { type: 'boolean', default: false },
  },
});
for (const [index, fault] of [...(values.azure ? AZURE_STAYS : FAULTS).keys()].entries()) {
  if (index % Number(values.of) === Number(values.part)) {
    console.log(JSON.stringify(await last(fault, Number(values.days))));
  }
}
