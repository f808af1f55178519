import { type Enrollment, walk } from './walk.ts';

/** One walk in a process of its own: `walk-alone.ts group|individual [PAIRS]`. */
const [enrollment, most] = process.argv.slice(2);
console.log(JSON.stringify(walk(enrollment as Enrollment, most === undefined ? undefined : Number(most))));
