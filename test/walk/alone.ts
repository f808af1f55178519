import { type Walk, walk } from './walk.ts';

/** One walk in a process of its own: `alone.ts '{"enrollment":"group"}'`, as `Walk` has it. */
const asked: Walk = JSON.parse(process.argv[2] ?? '{"enrollment":"group"}');
console.log(JSON.stringify(walk(asked)));
