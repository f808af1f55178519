Object.assign(globalThis, { lazy: true });

export {};
