/** The options with which this Node runs TypeScript. Newer ones strip the types by themselves; tsx costs each process 0.3 s. */
export const TYPESCRIPT: readonly string[] = Reflect.get(process.features, 'typescript') ? [] : ['--import', 'tsx'];
