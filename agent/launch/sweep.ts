import type { PerformanceEntry } from 'node:perf_hooks';

/** The types of Node leave out what an entry has beside its times. */
type Collection = PerformanceEntry & { readonly detail?: { readonly kind?: number } };

/** V8 waits for 8 MiB (Node 20.20 and 24.22), whatever `--optimize-for-size` and `--heap-growing-percent` say. */
const RISE_BYTES = 2 * 2 ** 20;
/** A roll, or a message and its PUBACK, is over by then: neither waits for a collection. */
const LATER_MS = 2_000;

/**
 * Has garbage collected soon after the heap has risen by 2 MiB. A start is left alone: before the first collection of V8, some
 * 10 s after it, nothing is done. Nor is anything while newleaf rests: V8 tells of its small collections, one for each MiB that is
 * allocated.
 */
export function sweep(): void {
  const { PerformanceObserver, constants } = process.getBuiltinModule('perf_hooks');
  const { getHeapStatistics, setFlagsFromString } = process.getBuiltinModule('v8');
  const used = () => getHeapStatistics().used_heap_size;
  let left = Number.POSITIVE_INFINITY;
  let collect: (() => void) | undefined;
  let isPlanned = false;
  new PerformanceObserver((list) => {
    const met = list.getEntries() as readonly Collection[];
    if (met.some(({ detail }) => detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) left = used();
    if (isPlanned || used() < left + RISE_BYTES) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      if (collect === undefined) {
        setFlagsFromString('--expose-gc');
        collect = process.getBuiltinModule('vm').runInNewContext('gc') as () => void;
      }
      collect();
    }, LATER_MS).unref();
  }).observe({ entryTypes: ['gc'] });
}
