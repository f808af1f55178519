import type { Budget } from './reading.ts';

const both = (budget: Budget) => ({ node20: budget, node24: budget });

/** The most that each figure may be, for Node 20 and for Node 24 and newer. */
export const BUDGETS: Readonly<Record<string, { readonly node20: Budget; readonly node24: Budget }>> = {
  // Where no other process has libcrypto and SoftHSM loaded, their pages count in full: 54.9 of 38.2 MiB were seen in a chroot.
  'idle PSS': { node20: { most: 52, times: 1.45 }, node24: { most: 62, times: 1.55 } },
  'idle Pss_Anon': { node20: { most: 14, times: 2.4 }, node24: { most: 18, times: 2.2 } },
  // Beside a gateway that asks a CA by EST.
  'idle PSS, Azure issues': both({ times: 1.05 }),
  'idle Pss_Anon, Azure issues': both({ times: 1.15 }),
  'start to CONNACK, Azure issues': both({ times: 1.5 }),
  // 4.5 and 5.2 were seen. A busy machine slows down the bare Node just as well.
  'start to CONNACK': { node20: { times: 6 }, node24: { times: 7 } },
  // 4.6 and 5.7 were seen under a load of 75, which the CPU feels less than the clock does.
  'CPU until connected': { node20: { times: 5.8 }, node24: { times: 6.6 } },
  // 1.5 and 1.6 were seen.
  'CPU of newleaf help': both({ times: 1.9 }),
  'CPU of newleaf status': both({ times: 3.2 }),
  // 1.7, 1.4 and 1.4 were seen.
  'refusal to serving': both({ times: 2.5 }),
  'roll, until the new leaf serves': both({ times: 2 }),
  'roll, until the old key is destroyed': both({ times: 2 }),
  // Node 24 (V8 13.6) keeps pages that a collection has freed: 5.8 MiB were seen, where Node 20 has 1.0.
  'Pss_Anon gained by 100 reconnects': both({ most: 4 }),
  'descriptors gained by 100 reconnects': both({ most: 0 }),
  'idle CPU': both({ most: 250 }),
  'PSS gained by five programs': both({ most: 8 }),
  'Pss_Anon gained in the second half': both({ most: 1 }),
  'written to the device for a message': both({ most: 5.5 }),
  'flushes of the device for a message': both({ most: 1.2 }),
  'PUBACK, p99': both({ most: 50 }),
  'PUBACK at a roll, p99': both({ most: 50 }),
  'connections of programs lost at a roll': both({ most: 0 }),
  // 0.08 (Node 20) and 0.24 (Node 24, whose V8 looks each eight seconds for memory to give back) were seen.
  'idle wake-ups': both({ most: 0.5 }),
};
