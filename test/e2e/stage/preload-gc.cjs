// For a node with --expose-gc: collects at every moment between reconnects, so that a context, a session or a key that
// is finalised too early or twice shows itself (libp11 finalises the module when its last context is collected).
setInterval(() => globalThis.gc(), 50).unref();
