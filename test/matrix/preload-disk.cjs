// Loaded into the daemon: a disk that fails. The file `disk-fault` beside the configuration says how: the code of the error,
// which call to the file system below the state directory is the first to fail, and how many do. Each call is counted there.
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const promises = require('node:fs/promises');
const { dirname, join } = require('node:path');

const beside = dirname(process.env.NEWLEAF_CONFIG ?? '/nowhere/none');
const order = join(beside, 'disk-fault');
const below = join(beside, 'state');
// Each call to the disk of the queues has its own tests, on a model of a disk: test/unit/uplink/queue.
const queues = join(below, 'uplink');
const files = new WeakMap();
let seen = 0;
let read = '';

/** Throws where this call is to fail. */
function meet(what, path) {
  if (!String(path).startsWith(below) || !existsSync(order)) return;
  const isQueue = String(path).startsWith(queues);
  const now = readFileSync(order, 'utf8');
  if (now !== read) [read, seen] = [now, 0];
  const [code, first, count] = now.trim().split(' ');
  if (isQueue && Number(count) === 1) return;
  seen += 1;
  appendFileSync(join(beside, 'disk-calls'), `${what} ${String(path).slice(below.length + 1)}\n`);
  if (seen < Number(first) || seen >= Number(first) + Number(count)) return;
  throw Object.assign(new Error(`${code}: laid by the test, ${what} '${path}'`), { code, path, syscall: what });
}

const around = (object, name, pathOf, isWrite = () => true) => {
  const original = object[name];
  object[name] = async function (...args) {
    if (isWrite(args)) meet(name, pathOf.call(this, args));
    return original.apply(this, args);
  };
};
const first = ([path]) => path;
for (const name of ['rename', 'mkdir', 'writeFile', 'appendFile', 'truncate']) around(promises, name, first);
const { open } = promises;
promises.open = async (path, flags = 'r', ...more) => {
  const isRead = flags === 'r' || (typeof flags === 'number' && (flags & 3) === 0);
  if (!isRead) meet('open', path);
  const file = await open(path, flags, ...more);
  files.set(file, path);
  return file;
};
// The class of file handles has no name to import it by.
void open(__filename).then(async (file) => {
  const handle = Object.getPrototypeOf(file);
  await file.close();
  for (const name of ['write', 'writev', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate'])
    around(handle, name, function () {
      return files.get(this) ?? '';
    });
});
