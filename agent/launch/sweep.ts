import type { PerformanceEntry } from 'node:perf_hooks';

/** The types of Node leave out what an entry has beside its times. */
type Collection = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

/** `gc` of V8. With an argument, that of Node 20 gives less back, and it knows no flavour. */
type Gc = (how?: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void;

/** V8 waits for 8 MiB (Node 20.20 and 24.22), whatever `--optimize-for-size` and `--heap-growing-percent` say. */
const RISE_BYTES = 2 * 2 ** 20;
/** Small collections, one for each MiB that is allocated, after which there may be something to give back. */
const WORK = 3;

/**
 * Has garbage collected soon after the heap has risen by 2 MiB, and pages given back when newleaf rests after work. V8 does the
 * latter once after a start, and then only when the heap has grown by 10 MiB (its memory reducer): Node 24 kept 5 of the 7 MiB that
 * a hundred reconnects take. Nothing is done while newleaf rests: it hears of small collections, and of no clock.
 * @param laterMs a roll, or a message and its PUBACK, is over by then: neither waits for a collection
 * @param restMs so long without a small collection, newleaf rests; V8's own comes 8 to 10 s after a start, and gives more back
 */
export function sweep(laterMs = 2_000, restMs = 15_000): void {
  const { PerformanceObserver, constants } = process.getBuiltinModule('perf_hooks');
  const { NODE_PERFORMANCE_GC_MAJOR: MAJOR, NODE_PERFORMANCE_GC_MINOR: MINOR } = constants;
  const { getHeapStatistics, setFlagsFromString } = process.getBuiltinModule('v8');
  const used = () => getHeapStatistics().used_heap_size;
  let made: Gc | undefined;
  const gc: Gc = (how) => {
    if (made === undefined) {
      setFlagsFromString('--expose-gc');
      // A V8 that takes no flag any more has none, and collects when it likes.
      made = (process.getBuiltinModule('vm').runInNewContext('globalThis.gc') as Gc | undefined) ?? (() => {});
    }
    if (how === undefined) made();
    else made(how);
  };
  // A start is left alone: until the first collection.
  let least = Number.POSITIVE_INFINITY;
  let isPlanned = false;
  let work = 0;
  // What it takes to give pages back is no work.
  let restedAt = 0;
  const rest = setTimeout(() => {
    if (work < WORK) return;
    work = 0;
    gc();
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    restedAt = performance.now();
  }, restMs).unref();
  new PerformanceObserver((list) => {
    const met = list.getEntries() as readonly Collection[];
    if (met.some(({ detail }) => detail?.kind === MAJOR)) least = used();
    const small = met.filter(({ detail, startTime }) => detail?.kind === MINOR && startTime > restedAt).length;
    work += small;
    if (small > 0) rest.refresh();
    if (isPlanned || used() < least + RISE_BYTES) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      gc();
    }, laterMs).unref();
  }).observe({ entryTypes: ['gc'] });
}
